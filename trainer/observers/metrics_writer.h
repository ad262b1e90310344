// RUN/metrics.jsonl: one object per step and one per evaluation.
#ifndef TRAINER_OBSERVERS_METRICS_WRITER_H_
#define TRAINER_OBSERVERS_METRICS_WRITER_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "trainer/observers/observer.h"

namespace slimreel {

// A step: {"step", "epoch", "loss", "lr", "grad_norm", "step_ms", "samples_per_second",
// "micro_batch", "oom_retries"}. An evaluation: {"step", "epoch", "val_top1", "val_top5",
// "val_mean_class_accuracy", "val_loss", "val_clip_top1", "val_videos", "val_clips",
// "val_seconds"}. `resumed_step`: steps after it are cut off (they will be done again); 0 for a new
// run.
absl::StatusOr<std::unique_ptr<Observer>> MakeMetricsWriter(const std::string& run_dir,
                                                            int64_t resumed_step);

}  // namespace slimreel

#endif  // TRAINER_OBSERVERS_METRICS_WRITER_H_
