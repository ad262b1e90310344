// Options of the sections `trainer`, `evaluation` and `checkpoint`. They do not need torch.
//
// A field has the name of the last part of its key. configs/trainer_keys.cc reads and prints the
// fields. A field costs memory only if its comment says so.
#ifndef CONFIGS_TRAINER_OPTIONS_H_
#define CONFIGS_TRAINER_OPTIONS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"

namespace slimreel {

enum class Precision { k32, k16, kBf16, k64 };
enum class DistributedStrategy { kDdp, kZero1 };
enum class EvaluationStrategy { kNo, kEpoch, kSteps };

// A number of batches if `batches` is set, else a share of all batches (0..1).
struct BatchLimit {
  std::optional<int64_t> batches;
  double fraction = 1.0;

  // The number of batches to run out of `total`. A share rounds down, as in Lightning.
  int64_t Resolve(int64_t total) const;
  friend bool operator==(const BatchLimit&, const BatchLimit&) = default;
};

struct TrainerOptions {
  Precision precision = Precision::k32;  // 16, bf16: mixed; 64: for tests
  std::string device = "auto";           // auto | cpu | cuda | cuda:i
  BatchLimit limit_train_batches;        // of data.batch_size samples, per epoch
  BatchLimit limit_val_batches;          // of eval_batch_size samples, per evaluation
  int64_t log_every_steps = 10;          // >= 1
  bool progress = true;                  // auto: a bar on a terminal, plain lines elsewhere; off
  bool tensorboard = true;               // event files in RUN/tensorboard
  bool deterministic = false;            // on CUDA: the same bits in every run, slower kernels
  DistributedStrategy strategy = DistributedStrategy::kDdp;
  friend bool operator==(const TrainerOptions&, const TrainerOptions&) = default;
};

// The values of evaluation.metric: top1, top5, mean_class_accuracy, loss.
const std::vector<std::string>& BestMetricNames();

struct EvaluationOptions {
  EvaluationStrategy strategy = EvaluationStrategy::kEpoch;
  std::optional<int64_t> every_steps;   // >= 1; needed by strategy `steps`, refused by `epoch`
  int64_t num_clips = 1;                // per video; logits are averaged; 1..100; costs time
  int64_t generation_max_length = 225;  // tokens; speech
  int64_t num_beams = 1;                // speech; memory grows in proportion
  std::string metric;                   // decides `best`; empty: the task's

  absl::Status Validate() const;
  friend bool operator==(const EvaluationOptions&, const EvaluationOptions&) = default;
};

struct CheckpointOptions {
  std::optional<int64_t> every_steps;          // >= 1
  std::optional<double> every_minutes = 10.0;  // > 0
  // Newest checkpoints to keep (`best` is kept in addition); >= 1. Each costs the size of the model
  // and the optimizer state on disk.
  int64_t keep = 3;
  friend bool operator==(const CheckpointOptions&, const CheckpointOptions&) = default;
};

}  // namespace slimreel

#endif  // CONFIGS_TRAINER_OPTIONS_H_
