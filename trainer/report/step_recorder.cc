#include "trainer/report/step_recorder.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "memory/executor/schedule_text.h"
#include "memory/tracking/cpu_allocator.h"
#include "memory/tracking/device_memory.h"

namespace slimreel {
namespace {

constexpr char kAccelerator[] = "tensors";

int64_t Sum(const BytesByTag& bytes) {
  int64_t sum = 0;
  for (int64_t of_tag : bytes) sum += of_tag;
  return sum;
}

bool IsForward(OpKind kind) { return kind != OpKind::kBackward; }

}  // namespace

// Note [A recording changes nothing]
// Results must not depend on whether a step is recorded. So the recorder takes all of its memory
// before the step, outside of the tensors' budget, and refuses no allocation. A full list counts
// what it leaves out. A full curve merges its neighbours: each pair becomes the higher of the two,
// so the highest point stays exact.

StepRecorder::StepRecorder(std::vector<std::string> stages, at::Device device,
                           const StepRecorderOptions& options)
    : stages_(std::move(stages)), device_(device), options_(options) {}

StepRecorder::~StepRecorder() {
  if (state_ == State::kRecording && device_.is_cpu()) RemoveCpuAllocationHook(this);
}

std::optional<StepTrace> StepRecorder::Take() {
  if (state_ != State::kDone) return std::nullopt;
  state_ = State::kTaken;
  for (size_t n = 0; n < kinds_.size(); ++n) {
    const Kind kind = kinds_[n];
    trace_.operations[n].op = kind.op == kPrefix   ? "prefix"
                              : kind.op == kUpdate ? "update"
                                                   : OpName(static_cast<OpKind>(kind.op));
    if (kind.stage >= 0) trace_.operations[n].stage = stages_[kind.stage];
  }
  kinds_ = {};
  return std::exchange(trace_, StepTrace());
}

double StepRecorder::Now() const {
  return std::chrono::duration<double, std::micro>(Clock::now() - start_).count();
}

void StepRecorder::BeforeStep(int64_t step) {
  if (state_ != State::kWaiting || (options_.step != 0 && options_.step != step + 1)) return;
  trace_.step = step + 1;
  trace_.device = device_.str();
  if (device_.is_cpu()) {
    for (MemoryTag tag : kMemoryTagsInOrder) trace_.tags.emplace_back(MemoryTagName(tag));
  } else {
    trace_.tags = {kAccelerator};
  }
  trace_.operations.reserve(options_.max_operations);
  kinds_.reserve(options_.max_operations);
  // One more for the point at the end.
  trace_.point_us.reserve(options_.max_points + 1);
  trace_.point_bytes.reserve((options_.max_points + 1) * trace_.tags.size());
  if (options_.allocations) trace_.allocations.reserve(options_.max_allocations);
  visited_.assign(stages_.size(), false);
  state_ = State::kRecording;
  start_ = Clock::now();
  if (!device_.is_cpu()) return ReadAccelerator();  // its allocator has no hook
  live_ = ReadCpuMemory().live_by_tag;
  total_ = Sum(live_);
  AddPoint();
  AddCpuAllocationHook(this);
}

void StepRecorder::AfterStep() {
  if (state_ != State::kRecording) return;
  if (device_.is_cpu()) RemoveCpuAllocationHook(this);
  if (!device_.is_cpu()) ReadAccelerator();
  trace_.end_us = Now();
  // The curve ends at what lives then, not at the higher one of some neighbours.
  trace_.point_us.push_back(trace_.end_us);
  trace_.point_bytes.resize(trace_.point_bytes.size() + trace_.tags.size());
  PutPoint(trace_.point_us.size() - 1);
  state_ = finished_ ? State::kDone : State::kTaken;
}

void StepRecorder::OnOutOfMemory() {
  if (state_ != State::kRecording) return;
  const std::lock_guard<std::mutex> lock(mutex_);
  End(/*failed=*/true);
  ++attempt_;
  micro_batch_ = 0;
  visited_.assign(stages_.size(), false);
}

void StepRecorder::BeforeOp(const Op& op) {
  if (state_ != State::kRecording) return;
  const std::lock_guard<std::mutex> lock(mutex_);
  Begin({static_cast<int>(op.kind), op.stage}, IsForward(op.kind) && visited_[op.stage]);
  if (IsForward(op.kind)) visited_[op.stage] = true;
}

void StepRecorder::AfterOp(const Op& op) {
  if (state_ != State::kRecording) return;
  const std::lock_guard<std::mutex> lock(mutex_);
  End(/*failed=*/false);
  // Each stage goes backward once, the first one last.
  if (op.kind == OpKind::kBackward && op.stage == 0) {
    ++micro_batch_;
    visited_.assign(stages_.size(), false);
  }
}

void StepRecorder::BeforePrefix() {
  if (state_ != State::kRecording) return;
  const std::lock_guard<std::mutex> lock(mutex_);
  Begin({.op = kPrefix}, false);
}

void StepRecorder::AfterPrefix() {
  if (state_ != State::kRecording) return;
  const std::lock_guard<std::mutex> lock(mutex_);
  End(/*failed=*/false);
}

void StepRecorder::BeforeUpdate() {
  if (state_ != State::kRecording) return;
  const std::lock_guard<std::mutex> lock(mutex_);
  micro_batch_ = 0;
  Begin({.op = kUpdate}, false);
}

void StepRecorder::AfterUpdate() {
  if (state_ != State::kRecording) return;
  const std::lock_guard<std::mutex> lock(mutex_);
  End(/*failed=*/false);
  finished_ = true;
}

void StepRecorder::OnAllocate(AllocationKind /*kind*/, const void* data,
                              int64_t /*bytes*/) noexcept {
  const std::lock_guard<std::mutex> lock(mutex_);
  data_ = data;
}

void StepRecorder::OnFree(AllocationKind /*kind*/, const void* data, int64_t /*bytes*/) noexcept {
  const std::lock_guard<std::mutex> lock(mutex_);
  data_ = data;
}

void StepRecorder::OnLiveBytes(const BytesByTag& live) noexcept {
  const std::lock_guard<std::mutex> lock(mutex_);
  const BytesByTag before = std::exchange(live_, live);
  const int64_t total_before = std::exchange(total_, Sum(live));
  if (in_operation_) {
    int64_t& peak = trace_.operations.back().peak_bytes;
    peak = std::max(peak, total_);
  }
  // A block that only gets another tag is neither taken nor given back.
  if (options_.allocations && total_ != total_before) AddAllocation(before);
  AddPoint();
}

// The functions below run under the lock.

void StepRecorder::Begin(Kind kind, bool recompute) {
  if (!device_.is_cpu()) ReadAccelerator();
  if (static_cast<int64_t>(trace_.operations.size()) == options_.max_operations) {
    ++trace_.left_out_operations;
    return;
  }
  kinds_.push_back(kind);
  TracedOperation operation;
  operation.micro_batch = micro_batch_;
  operation.attempt = attempt_;
  operation.recompute = recompute;
  operation.begin_bytes = operation.peak_bytes = total_;
  operation.begin_us = Now();
  trace_.operations.push_back(std::move(operation));
  in_operation_ = true;
}

void StepRecorder::End(bool failed) {
  if (!device_.is_cpu()) ReadAccelerator();
  if (!std::exchange(in_operation_, false)) return;
  TracedOperation& operation = trace_.operations.back();
  operation.end_us = Now();
  operation.end_bytes = total_;
  operation.failed = failed;
}

void StepRecorder::AddPoint() {
  const size_t tags = trace_.tags.size();
  const bool joins = changes_in_last_ > 0 && changes_in_last_ < changes_per_point_;
  if (!joins) {
    if (static_cast<int64_t>(trace_.point_us.size()) == options_.max_points) HalvePoints();
    trace_.point_us.push_back(Now());
    trace_.point_bytes.resize(trace_.point_bytes.size() + tags);
    changes_in_last_ = 0;
  }
  ++changes_in_last_;
  const size_t last = trace_.point_us.size() - 1;
  if (joins && trace_.PointTotal(last) >= total_) return;
  PutPoint(last);
}

void StepRecorder::PutPoint(size_t point) {
  const size_t first = point * trace_.tags.size();
  for (size_t tag = 0; tag < trace_.tags.size(); ++tag) {
    trace_.point_bytes[first + tag] =
        device_.is_cpu() ? At(live_, kMemoryTagsInOrder[tag]) : total_;
  }
}

// Each pair of points becomes the higher one, at the time of the first.
void StepRecorder::HalvePoints() {
  const size_t tags = trace_.tags.size();
  const size_t pairs = trace_.point_us.size() / 2;
  for (size_t pair = 0; pair < pairs; ++pair) {
    const size_t higher =
        2 * pair + (trace_.PointTotal(2 * pair + 1) > trace_.PointTotal(2 * pair) ? 1 : 0);
    trace_.point_us[pair] = trace_.point_us[2 * pair];
    std::copy_n(trace_.point_bytes.begin() + static_cast<std::ptrdiff_t>(higher * tags), tags,
                trace_.point_bytes.begin() + static_cast<std::ptrdiff_t>(pair * tags));
  }
  trace_.point_us.resize(pairs);
  trace_.point_bytes.resize(pairs * tags);
  changes_per_point_ *= 2;
}

void StepRecorder::AddAllocation(const BytesByTag& before) {
  if (static_cast<int64_t>(trace_.allocations.size()) == options_.max_allocations) {
    ++trace_.left_out_allocations;
    return;
  }
  for (size_t n = 0; n < kMemoryTagsInOrder.size(); ++n) {
    const int64_t bytes = At(live_, kMemoryTagsInOrder[n]) - At(before, kMemoryTagsInOrder[n]);
    if (bytes == 0) continue;
    trace_.allocations.push_back(
        {.at_us = Now(),
         .bytes = bytes,
         .block = static_cast<int64_t>(reinterpret_cast<uintptr_t>(data_)),
         .tag = static_cast<int32_t>(n),
         .operation =
             in_operation_ ? static_cast<int32_t>(trace_.operations.size() - 1) : int32_t{-1}});
    return;
  }
}

// An accelerator's allocator calls nothing of ours, so only its readings between operations are
// known.
void StepRecorder::ReadAccelerator() {
  total_ = ReadDeviceMemory(device_).live_bytes;
  if (in_operation_) {
    int64_t& peak = trace_.operations.back().peak_bytes;
    peak = std::max(peak, total_);
  }
  AddPoint();
}

}  // namespace slimreel
