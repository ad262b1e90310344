// Options of the section `train`, and the task of a run. They do not need torch.
//
// A field has the name of the last part of its key. configs/train_keys.cc reads and prints the
// fields. A field costs memory only if its comment says so.
#ifndef CONFIGS_TRAIN_OPTIONS_H_
#define CONFIGS_TRAIN_OPTIONS_H_

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "absl/status/status.h"

namespace slimreel {

enum class Task { kClassify, kDetectFake, kTranscribe };
enum class OptimizerKind { kAdamW, kSgd, kAdam };
enum class LrSchedule { kConstant, kLinear, kCosine, kStep };

struct TrainOptions {
  // Micro-batches per optimizer step; >= 1. Costs no memory.
  int64_t accumulate_grad_batches = 1;
  // Samples per optimizer step on one device, a multiple of data.batch_size;
  // accumulate_grad_batches is then derived from it. none: batch_size * accumulate_grad_batches.
  std::optional<int64_t> effective_batch_size;
  int64_t max_epochs = 10;                          // >= 1; a run ends at this or at max_steps
  std::optional<int64_t> max_steps;                 // optimizer steps; >= 1; none: no limit
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
  int64_t warmup_steps = 0;  // step k, from 0, has (k + 1) / warmup_steps of the rate; >= 0
  // Schedule `step`: lr is multiplied by gamma every step_size steps (none: a third of all steps).
  // The names are those of torch.optim.lr_scheduler.StepLR.
  std::optional<int64_t> step_size;      // >= 1
  double gamma = 0.1;                    // 0 < x <= 1
  std::optional<double> clip_grad_norm;  // > 0; L2 over all parameters; the norm is always logged
  double label_smoothing = 0.0;          // 0 <= x < 1
  std::vector<double> class_weights;     // one per class, >= 0, not all 0; empty: all 1

  // Checks keys against each other. InvalidArgument names the keys, all mistakes at once.
  absl::Status Validate() const;
  friend bool operator==(const TrainOptions&, const TrainOptions&) = default;
};

}  // namespace slimreel

#endif  // CONFIGS_TRAIN_OPTIONS_H_
