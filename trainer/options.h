// Options of the sections `train`, `trainer`, `evaluation` and `checkpoint`.
// Free of torch.
//
// The field is the last part of the key; the tables in configs/train_keys.cc and
// configs/trainer_keys.cc read and print them. None of these costs memory unless its comment says
// so.
#ifndef TRAINER_OPTIONS_H_
#define TRAINER_OPTIONS_H_

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"

namespace slimreel {

enum class Task { kClassify, kDetectFake, kTranscribe };
enum class OptimizerKind { kAdamW, kSgd, kAdam };
enum class LrSchedule { kConstant, kLinear, kCosine, kStep };
enum class Precision { k32, k16, kBf16, k64 };
enum class DistributedStrategy { kDdp, kZero1 };
enum class EvaluationStrategy { kNo, kEpoch, kSteps };

struct TrainOptions {
  // Micro-batches per optimizer step; >= 1. Costs no memory.
  int64_t accumulate_grad_batches = 1;
  // none: batch_size * accumulate_grad_batches; else that product on one
  // device, and accumulate_grad_batches is derived. A multiple of data.batch_size.
  std::optional<int64_t> effective_batch_size;
  int64_t max_epochs = 10;                          // >= 1; whichever of the two comes first
  std::optional<int64_t> max_steps;                 // optimizer steps; >= 1
  double lr = 1e-3;                                 // >= 0
  std::optional<int64_t> lr_reference_batch;        // lr is scaled by effective batch / this; >= 1
  OptimizerKind optimizer = OptimizerKind::kAdamW;  // adam, adamw: 2 states per parameter
  double weight_decay = 0.01;                       // >= 0
  double momentum = 0.9;                    // sgd; 0 <= x < 1; above 0: one state per parameter
  std::array<double, 2> betas{0.9, 0.999};  // adam, adamw; 0 <= beta < 1
  double eps = 1e-8;                        // adam, adamw; > 0
  bool no_decay_norm_and_bias = false;      // no weight decay for norms and biases
  double layer_decay = 1.0;                 // lr factor per layer below the head; 0 < x <= 1
  LrSchedule schedule = LrSchedule::kConstant;
  int64_t warmup_steps = 0;  // linear from 0; >= 0
  // Schedule `step`: lr is multiplied by gamma every step_size steps (none: a
  // third of all steps). As torch.optim.lr_scheduler.StepLR names them.
  std::optional<int64_t> step_size;      // >= 1
  double gamma = 0.1;                    // 0 < x <= 1
  std::optional<double> clip_grad_norm;  // > 0; L2 over all; the norm is logged either way
  double label_smoothing = 0.0;          // 0 <= x < 1
  std::vector<double> class_weights;     // one per class, >= 0, not all 0; empty: all 1

  // What no single key's bounds can say. InvalidArgument names the keys, all mistakes at once;
  // likewise below.
  absl::Status Validate() const;
  friend bool operator==(const TrainOptions&, const TrainOptions&) = default;
};

// A number of batches where `batches` is set, else a share of all (0..1).
struct BatchLimit {
  std::optional<int64_t> batches;
  double fraction = 1.0;

  // Batches to run out of `total`; a share rounds down, as Lightning's does.
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
  bool deterministic = false;            // on CUDA: same bits each run, by slower kernels
  DistributedStrategy strategy = DistributedStrategy::kDdp;
  friend bool operator==(const TrainerOptions&, const TrainerOptions&) = default;
};

// What evaluation.metric takes: top1, top5, mean_class_accuracy, loss.
const std::vector<std::string>& BestMetricNames();

struct EvaluationOptions {
  EvaluationStrategy strategy = EvaluationStrategy::kEpoch;
  std::optional<int64_t> every_steps;   // >= 1; required by strategy `steps`, not read by `epoch`
  int64_t num_clips = 1;                // per video, logits averaged; 1..100; costs time
  int64_t generation_max_length = 225;  // tokens; speech
  int64_t num_beams = 1;                // speech; memory grows in proportion
  std::string metric;                   // decides `best`; empty: the task's

  absl::Status Validate() const;
  friend bool operator==(const EvaluationOptions&, const EvaluationOptions&) = default;
};

struct CheckpointOptions {
  std::optional<int64_t> every_steps;          // >= 1
  std::optional<double> every_minutes = 10.0;  // > 0
  // Newest checkpoints that stay (`best` stays besides); >= 1. Each costs the
  // model and the optimizer state on disk.
  int64_t keep = 3;
  friend bool operator==(const CheckpointOptions&, const CheckpointOptions&) = default;
};

}  // namespace slimreel

#endif  // TRAINER_OPTIONS_H_
