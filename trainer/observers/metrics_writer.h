// RUN/metrics.jsonl: one object per step and one per evaluation, written and read back.
//
// Threading: the trainer's thread.
#ifndef TRAINER_OBSERVERS_METRICS_WRITER_H_
#define TRAINER_OBSERVERS_METRICS_WRITER_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "trainer/observers/observer.h"

namespace slimreel {

// A step: {"step", "epoch", "loss", "lr", "grad_norm", "step_ms", "samples_per_second",
// "samples", "micro_batch", "oom_retries"}; with fp16 also "loss_scale" and "found_inf". An
// evaluation: {"step", "epoch", "val_top1", ... (trainer/evaluation/metrics_json.h),
// "val_seconds"}. `resumed_step`: lines of later steps are removed, because these steps will run
// again; 0 for a new run. Errors: those of JsonlFile::Open.
absl::StatusOr<std::unique_ptr<Observer>> MakeMetricsWriter(const std::string& run_dir,
                                                            int64_t resumed_step);

// What the earlier processes of the run reported.
struct RunHistory {
  std::vector<StepRecord> steps;
  std::optional<EvaluationRecord> evaluation;  // the last one
};

// Reads the file. Call it after MakeMetricsWriter has removed the lines of later steps. Empty if
// there is no file. Lines that are not such objects are skipped.
RunHistory ReadHistory(const std::string& run_dir);

}  // namespace slimreel

#endif  // TRAINER_OBSERVERS_METRICS_WRITER_H_
