// Records one optimizer step as a StepTrace: its operations, and each change of live bytes.
//
// See Note [A recording changes nothing] in step_recorder.cc.
//
// Threading: the hooks of the executor run in the trainer's thread, those of the allocator in any
// thread. The other functions belong to the trainer's thread.
// Ownership: it is the CPU allocator's hook during the recorded step, so no other hook may be.
#ifndef TRAINER_REPORT_STEP_RECORDER_H_
#define TRAINER_REPORT_STEP_RECORDER_H_

#include <c10/core/Device.h>

#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "memory/executor/executor.h"
#include "memory/tracking/allocation_hook.h"
#include "memory/tracking/memory_tag.h"
#include "trainer/report/step_trace.h"

namespace slimreel {

struct StepRecorderOptions {
  // The optimizer step to record, counted from 1. 0: the next one.
  int64_t step = 0;
  bool allocations = false;             // also each single one; costs memory and a large file
  int64_t max_points = 4096;            // even; of the curve
  int64_t max_operations = 16384;       // about 150 bytes each
  int64_t max_allocations = 250 << 10;  // about 40 bytes each; only with `allocations`
};

class StepRecorder final : public ExecutorHooks, public AllocationHook {
 public:
  // `stages`: names of the scheduled stages (Executor::stage_names).
  StepRecorder(std::vector<std::string> stages, at::Device device,
               const StepRecorderOptions& options = {});
  ~StepRecorder() override;
  StepRecorder(const StepRecorder&) = delete;
  StepRecorder& operator=(const StepRecorder&) = delete;

  // The recorded step, once; nothing before it has ended, or if it failed.
  std::optional<StepTrace> Take();

  void BeforeStep(int64_t step) override;
  void AfterStep() override;
  void OnOutOfMemory() override;
  void BeforeOp(const Op& op) override;
  void AfterOp(const Op& op) override;
  void BeforePrefix() override;
  void AfterPrefix() override;
  void BeforeUpdate() override;
  void AfterUpdate() override;

  void OnAllocate(AllocationKind kind, const void* data, int64_t bytes) noexcept override;
  void OnFree(AllocationKind kind, const void* data, int64_t bytes) noexcept override;
  void OnLiveBytes(const BytesByTag& live) noexcept override;

 private:
  using Clock = std::chrono::steady_clock;
  enum class State { kWaiting, kRecording, kDone, kTaken };

  double Now() const;
  // What an operation is, until Take() writes its names.
  struct Kind {
    int op = 0;  // an OpKind, kPrefix or kUpdate
    int stage = -1;
  };
  static constexpr int kPrefix = -1, kUpdate = -2;

  void Begin(Kind kind, bool recompute);
  void End(bool failed);
  void AddPoint();
  void HalvePoints();
  void AddAllocation(const BytesByTag& before);
  void ReadAccelerator();
  void PutPoint(size_t point);

  const std::vector<std::string> stages_;
  const at::Device device_;
  const StepRecorderOptions options_;
  State state_ = State::kWaiting;
  Clock::time_point start_;

  std::mutex mutex_;         // guards what follows; never held while the allocator is called
  StepTrace trace_;          // its operations have no names yet
  std::vector<Kind> kinds_;  // of them
  BytesByTag live_{};
  int64_t total_ = 0;              // of live_
  int64_t changes_per_point_ = 1;  // of the curve
  int64_t changes_in_last_ = 0;    // in the last point so far
  const void* data_ = nullptr;     // of the event that OnLiveBytes follows
  bool in_operation_ = false;      // the last one of the trace is not over
  bool finished_ = false;          // the update has ended
  int64_t micro_batch_ = 0;
  int64_t attempt_ = 0;
  std::vector<bool> visited_;  // by this micro-batch
};

}  // namespace slimreel

#endif  // TRAINER_REPORT_STEP_RECORDER_H_
