// What the trainer reports: a record per step, one per evaluation and one for the whole run.
// Each observer has a file of its own. No observer changes the run.
//
// The run, with the calls of each observer (trainer/loop/trainer.cc, train_step.cc):
//
//   write RUN/plan.json
//   evaluate_if_due()                 // the run before may have stopped after a step, before this
//   if the evaluation found a new best and steps are left: save()
//   while steps are left and no stop is requested:
//     batch = loader.Next()           // Cancelled if a stop comes before the batch is whole
//     // The step and the evaluation run in an AutoMemoryScope; its end may clean up memory.
//     snapshot the buffers
//     while not forward, loss and backward of every micro-batch fit in memory:
//       roll back the buffers, drop the gradients
//       tighten the plan              // NothingFits if no tighter plan is left
//     clip the gradients, update the weights, drop the gradients
//     count the step, store the loader's position
//     if the plan was tightened: write RUN/plan.json
//     if the step is the run's first, a multiple of log_every_steps or was retried: report()
//     if a stop is requested: break
//     evaluate_if_due()               // Cancelled if a stop comes while it runs
//     if steps are left, and a new best was found or a checkpoint is due:
//       relax a tightened plan if memory is no longer short, and write RUN/plan.json
//       save()
//   if an error ended the loop (Cancelled by a stop is not an error):
//     // If no step was done, or if an observer or a checkpoint failed to write, only the error
//     // is returned.
//     if the state has changed since the start and since the last checkpoint: save()
//     if this process has saved a checkpoint: OnEnd(run)     // stopped_by "error"
//     return the error
//   if this process has not saved this state yet: save()
//   OnEnd(run)                        // stopped_by "" (all steps and evaluations done) or "signal"
//
//   report():           read the values of the steps since the last report from the device
//                       for each of these steps: OnStep(step, memory)
//                       Flush()       // report() does nothing if there is no such step
//   evaluate_if_due():  report(); run the evaluation; OnEvaluation(evaluation)
//   save():             report(); Flush(); write the checkpoint
//
// Each call goes to all observers, in the order in which they were given. An error of an observer
// ends the run.
//
// Threading: the trainer's thread. Records hold plain numbers, no tensors.
#ifndef TRAINER_OBSERVERS_OBSERVER_H_
#define TRAINER_OBSERVERS_OBSERVER_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "memory/manager/memory_stats.h"
#include "memory/tracking/memory_phase.h"
#include "memory/tracking/memory_tag.h"
#include "trainer/evaluation/metrics.h"

namespace slimreel {

struct MemoryRecord {
  int64_t live_bytes = 0;      // tensors on the device, now
  int64_t peak_bytes = 0;      // tensors on the device, highest value since the run's start
  int64_t reserved_bytes = 0;  // the same with blocks kept for reuse, peak
  int64_t host_bytes = 0;      // resident set, peak
  int64_t loader_bytes = 0;    // buffers of the loaders, peak; memory.host_budget bounds them
  int64_t budget_bytes = 0;    // 0: none
  BytesByTag live_by_tag{};    // sums to live_bytes; zeros: not known (accelerators)
  // The tags of peak_bytes at its moment. Zeros: not known, also if an earlier version's process of
  // the run had the peak.
  BytesByTag peak_by_tag{};
  PeakByPhase peak_by_phase{};  // since the run's start
};

// How batches are loaded (dataloader.*, memory.host_budget).
struct LoaderRecord {
  int64_t num_workers = 0;
  int64_t prefetch_batches = 0;  // being built or waiting
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
  double step_ms = 0.0;  // includes waiting for data
  int64_t micro_batch = 0;
  int64_t oom_retries = 0;  // in this step
  // fp16: the scale of the loss, and whether the gradients overflowed. If so, the step was skipped.
  std::optional<double> loss_scale = std::nullopt;
  bool found_inf = false;
};

struct EvaluationRecord {
  int64_t step = 0;
  int64_t epoch = 0;
  EvaluationMetrics metrics;
  double seconds = 0.0;
};

// A peak of tensor memory outside of the step (memory/policy/outside_peaks.h).
struct OutsidePeakRecord {
  std::string phase;            // "load", "resume", "save", "evaluate"
  int64_t predicted_bytes = 0;  // 0: it was not expected
  int64_t measured_bytes = 0;   // by the last process; 0: not measured
};

struct RunRecord {
  int64_t effective_batch_size = 0;
  int64_t micro_batch_size = 0;
  int64_t accumulate_grad_batches = 0;
  std::string schedule;
  int64_t steps = 0;
  int64_t epochs = 0;  // completed
  int64_t oom_retries = 0;
  int64_t relaxations = 0;                 // returns to the plan from before an out of memory
  int64_t predicted_peak_bytes = 0;        // of a step on the device; 0: nothing was predicted
  int64_t steps_above_prediction = 0;      // reports at which the steps' peak had risen above it
  std::vector<OutsidePeakRecord> outside;  // empty: nothing was predicted
  MemoryRecord memory;                     // peaks of all processes of the run
  LoaderRecord loader;
  MemoryStats manager;               // of this process; checks == 0: memory was not watched
  std::vector<std::string> changes;  // of the configuration at resumes (TrainState::changes)
  std::string stopped_by;            // "": finished; else "signal" or "error"
};

class Observer {
 public:
  virtual ~Observer() = default;
  // Called once per step, in order. `memory` is a reading from the time of the report.
  virtual absl::Status OnStep(const StepRecord& /*step*/, const MemoryRecord& /*memory*/) {
    return absl::OkStatus();
  }
  virtual absl::Status OnEvaluation(const EvaluationRecord& /*evaluation*/) {
    return absl::OkStatus();
  }
  // Hands everything written so far to the system, so that it outlives the process. Called after
  // each report and before each checkpoint.
  virtual absl::Status Flush() { return absl::OkStatus(); }
  virtual absl::Status OnEnd(const RunRecord& /*run*/) { return absl::OkStatus(); }
};

}  // namespace slimreel

#endif  // TRAINER_OBSERVERS_OBSERVER_H_
