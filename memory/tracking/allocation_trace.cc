#include "memory/tracking/allocation_trace.h"

#include <algorithm>
#include <fstream>
#include <optional>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/atomic_file.h"

namespace slimreel {
namespace {

constexpr char kDescriptionMark[] = "# ";

// The sizes of the live blocks while a trace is read or walked through.
class LiveBlocks {
 public:
  // False if the event frees a block that does not live.
  bool Apply(const AllocationEvent& event) {
    if (event.bytes > 0) {
      sizes_.push_back(event.bytes);
      allocated_ += event.bytes;
      live_ += event.bytes;
      peak_ = std::max(peak_, live_);
      ++num_live_;
      return true;
    }
    if (event.block < 0 || event.block >= num_blocks() || sizes_[event.block] == 0) return false;
    live_ -= std::exchange(sizes_[event.block], 0);
    --num_live_;
    return true;
  }
  int64_t num_blocks() const { return static_cast<int64_t>(sizes_.size()); }
  int64_t num_live() const { return num_live_; }
  int64_t allocated() const { return allocated_; }
  int64_t peak() const { return peak_; }

 private:
  std::vector<int64_t> sizes_;  // 0: freed
  int64_t num_live_ = 0, allocated_ = 0, live_ = 0, peak_ = 0;
};

LiveBlocks WalkThrough(const AllocationTrace& trace) {
  LiveBlocks blocks;
  for (const AllocationEvent& event : trace.events) blocks.Apply(event);
  return blocks;
}

// The event of one line; nullopt if the line is not an event.
std::optional<AllocationEvent> ParseEvent(const std::string& line, int64_t next_block) {
  int64_t number = 0;
  if (line.size() < 2 || !absl::SimpleAtoi(line.substr(1), &number)) return std::nullopt;
  if (line[0] == '+' && number > 0) return AllocationEvent{next_block, number};
  if (line[0] == '-' && number >= 0) return AllocationEvent{number, 0};
  return std::nullopt;
}

absl::Status NoTrace(const std::string& path, int64_t line, const std::string& why) {
  return absl::DataLossError(absl::StrCat(
      path, ":", line, ": ", why, "; //trainer/benchmark:record_allocations writes a new trace"));
}

}  // namespace

int64_t AllocationTrace::num_blocks() const { return WalkThrough(*this).num_blocks(); }
int64_t AllocationTrace::allocated_bytes() const { return WalkThrough(*this).allocated(); }
int64_t AllocationTrace::peak_bytes() const { return WalkThrough(*this).peak(); }

absl::Status WriteAllocationTrace(const AllocationTrace& trace, const std::string& path) {
  std::string text = absl::StrCat(kDescriptionMark, trace.description, "\n");
  for (const AllocationEvent& event : trace.events) {
    if (event.bytes > 0) {
      absl::StrAppend(&text, "+", event.bytes, "\n");
    } else {
      absl::StrAppend(&text, "-", event.block, "\n");
    }
  }
  return WriteFileAtomically(path, text);
}

absl::StatusOr<AllocationTrace> ReadAllocationTrace(const std::string& path) {
  std::ifstream file(path);
  if (!file) return absl::NotFoundError(absl::StrCat(path, " cannot be read"));
  AllocationTrace trace;
  LiveBlocks blocks;
  std::string line;
  int64_t number = 1;
  if (!std::getline(file, line) || line.rfind(kDescriptionMark, 0) != 0) {
    return NoTrace(path, number, "the first line does not begin with \"# \"");
  }
  trace.description = line.substr(2);
  while (std::getline(file, line)) {
    ++number;
    const auto event = ParseEvent(line, blocks.num_blocks());
    if (!event) return NoTrace(path, number, "the line is neither +BYTES nor -NUMBER");
    if (!blocks.Apply(*event))
      return NoTrace(path, number, "the line frees a block that does not live");
    trace.events.push_back(*event);
  }
  if (blocks.num_live() > 0)
    return NoTrace(path, number, "the file ends before all blocks are freed");
  return trace;
}

void AllocationRecorder::BeforeAllocate(AllocationKind kind, int64_t /*bytes*/) {
  if (kind != AllocationKind::kTensor) return;
  // Room for the start of this block and for one end of each live block.
  const size_t events = trace_.events.size() + live_.size() + 2;
  if (events > trace_.events.capacity()) trace_.events.reserve(2 * events);
  if (live_.size() + 1 >= live_.bucket_count()) live_.reserve(2 * (live_.size() + 1));
  if (spare_.empty()) spare_ = Live{{nullptr, 0}}.extract(nullptr);
}

void AllocationRecorder::OnAllocate(AllocationKind kind, const void* data, int64_t bytes) noexcept {
  if (kind != AllocationKind::kTensor) return;
  trace_.events.push_back({num_blocks_, bytes});
  spare_.key() = data;
  spare_.mapped() = num_blocks_++;
  live_.insert(std::move(spare_));
}

void AllocationRecorder::OnFree(AllocationKind kind, const void* data, int64_t /*bytes*/) noexcept {
  const auto found = live_.find(data);
  if (kind != AllocationKind::kTensor || found == live_.end()) return;
  trace_.events.push_back({found->second, 0});
  live_.erase(found);
}

AllocationTrace AllocationRecorder::Take(const std::string& description) {
  std::vector<int64_t> left;
  for (const auto& [data, block] : live_) left.push_back(block);
  std::sort(left.begin(), left.end());
  for (int64_t block : left) trace_.events.push_back({block, 0});
  live_.clear();
  num_blocks_ = 0;
  AllocationTrace trace = std::exchange(trace_, AllocationTrace());
  trace.description = description;
  return trace;
}

}  // namespace slimreel
