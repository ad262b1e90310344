// The learning rate as a pure function of the step: a linear warm-up, then a constant, linear,
// cosine or step schedule. Also the linear scaling rule for batches.
//
// Nothing is stored: a resumed run needs only the step number. Threading: free functions without
// state.
#ifndef TRAINER_OPTIM_LR_SCHEDULE_H_
#define TRAINER_OPTIM_LR_SCHEDULE_H_

#include <cstdint>

#include "configs/train_options.h"

namespace slimreel {

// The learning rate over a run. Keys of `train` that count: lr and lr_reference_batch give the base
// rate. warmup_steps: linear up to the base rate; the first step has 1 / warmup_steps of it.
// schedule, after the warm-up: constant; linear, down to 0 at total_steps; cosine, down to 0 along
// half a cosine (Loshchilov & Hutter, "SGDR", without restarts); step, multiplied by `gamma` every
// `step_size` steps (torch.optim.lr_scheduler.StepLR). The default step_size is a third of
// total_steps.
struct LrCurve {
  TrainOptions train{};
  int64_t effective_batch = 1;  // samples of an optimizer step
  int64_t total_steps = 1;  // of the whole run with its warm-up; later steps keep the last value
};

// The rate of optimizer step `step`, counted from 0.
double LearningRate(const LrCurve& curve, int64_t step);

// The base rate by the linear scaling rule (Goyal et al., "Accurate, Large Minibatch SGD"):
// lr * effective_batch / lr_reference_batch, or lr itself if there is no reference.
double ScaledBaseLr(const TrainOptions& train, int64_t effective_batch);

}  // namespace slimreel

#endif  // TRAINER_OPTIM_LR_SCHEDULE_H_
