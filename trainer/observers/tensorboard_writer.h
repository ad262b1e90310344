// RUN/tensorboard: the run's numbers as scalars that TensorBoard shows.
//
// Threading: the trainer's thread.
#ifndef TRAINER_OBSERVERS_TENSORBOARD_WRITER_H_
#define TRAINER_OBSERVERS_TENSORBOARD_WRITER_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "trainer/observers/observer.h"

namespace slimreel {

struct TensorboardOptions {
  int64_t resumed_step = 0;  // events of later steps are removed; 0: a new run
  // Memory is written at every so-many-th step, and at each step that was retried. 0: never.
  int64_t memory_every_steps = 10;
};

// At each step train/{loss, lr, grad_norm, samples_per_second, step_ms}, with fp16 also
// train/loss_scale; memory/{live_bytes, ...}, memory/live/TAG, memory/peak/TAG and
// memory/phase/PHASE, in bytes; after an evaluation val/NAME. README.md lists all. Errors: those of
// EventFiles::Open.
absl::StatusOr<std::unique_ptr<Observer>> MakeTensorboardWriter(const std::string& run_dir,
                                                                const TensorboardOptions& options);

}  // namespace slimreel

#endif  // TRAINER_OBSERVERS_TENSORBOARD_WRITER_H_
