// RUN/metrics.jsonl: one object per step and one per evaluation, written and read.
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
// "samples", "micro_batch", "oom_retries"}. An evaluation: {"step", "epoch", "val_top1", ...
// (trainer/evaluation/metrics_json.h), "val_seconds"}. `resumed_step`: steps after it are cut
// off (they will be done again); 0 for a new run.
absl::StatusOr<std::unique_ptr<Observer>> MakeMetricsWriter(const std::string& run_dir,
                                                            int64_t resumed_step);

// What the processes before this one reported.
struct RunHistory {
  std::vector<StepRecord> steps;
  std::optional<EvaluationRecord> evaluation;  // the last one
};

// Reads the file as MakeMetricsWriter left it; empty where there is none. Lines that
// are no such objects are passed over.
RunHistory ReadHistory(const std::string& run_dir);

}  // namespace slimreel

#endif  // TRAINER_OBSERVERS_METRICS_WRITER_H_
