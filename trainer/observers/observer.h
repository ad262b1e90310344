// What the trainer tells the outside: a record per step, per evaluation and for
// the whole run. One file per observer; none of them changes the run.
//
// Threading: the trainer's thread. Records hold plain numbers: the trainer reads
// device values before it makes one, many steps at a time.
#ifndef TRAINER_OBSERVERS_OBSERVER_H_
#define TRAINER_OBSERVERS_OBSERVER_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "trainer/evaluation/metrics.h"

namespace slimreel {

struct MemoryRecord {
  int64_t live_bytes = 0;      // tensors of the device, now
  int64_t peak_bytes = 0;      // since the start
  int64_t reserved_bytes = 0;  // with blocks kept for reuse, peak
  int64_t host_bytes = 0;      // resident set, peak
  int64_t loader_bytes = 0;    // buffers of the loaders, peak: what memory.host_budget bounds
  int64_t budget_bytes = 0;    // 0: none
};

// How batches are loaded (dataloader.*, memory.host_budget).
struct LoaderRecord {
  int64_t num_workers = 0;
  int64_t prefetch_batches = 0;  // being made or waiting
  bool pin_memory = false;
  int64_t host_budget_bytes = 0;  // 0: none
};

struct StepRecord {
  int64_t step = 0;  // optimizer steps done, this one included
  int64_t epoch = 0;
  double loss = 0.0;
  double grad_norm = 0.0;  // before clipping
  double lr = 0.0;
  int64_t samples = 0;
  double step_ms = 0.0;  // this step, waiting for data included
  int64_t micro_batch = 0;
  int64_t oom_retries = 0;  // in this step
  // fp16: the scale of the loss, and whether gradients overflowed, so that the step was left out.
  std::optional<double> loss_scale = std::nullopt;
  bool found_inf = false;
};

struct EvaluationRecord {
  int64_t step = 0;
  int64_t epoch = 0;
  EvaluationMetrics metrics;
  double seconds = 0.0;
};

struct RunRecord {
  int64_t effective_batch_size = 0;
  int64_t micro_batch_size = 0;
  int64_t accumulate_grad_batches = 0;
  std::string schedule;
  int64_t steps = 0;
  int64_t epochs = 0;  // completed
  int64_t oom_retries = 0;
  MemoryRecord memory;  // peaks of all processes of the run
  LoaderRecord loader;
  std::vector<std::string> changes;  // of the configuration, in resumes (TrainState::changes)
  std::string stopped_by;            // "", or the reason why the run is not finished
};

class Observer {
 public:
  virtual ~Observer() = default;
  // Steps come in order, each once. `memory` is a reading at the time of the call.
  virtual absl::Status OnStep(const StepRecord& /*step*/, const MemoryRecord& /*memory*/) {
    return absl::OkStatus();
  }
  virtual absl::Status OnEvaluation(const EvaluationRecord& /*evaluation*/) {
    return absl::OkStatus();
  }
  // Before each checkpoint: what was observed so far must outlive the process.
  virtual absl::Status Flush() { return absl::OkStatus(); }
  virtual absl::Status OnEnd(const RunRecord& /*run*/) { return absl::OkStatus(); }
};

}  // namespace slimreel

#endif  // TRAINER_OBSERVERS_OBSERVER_H_
