// The learning rate as a pure function of the step: a constant, linear, cosine
// or step decay behind a linear warm-up, and the linear scaling rule for batches.
//
// Who calls it: the trainer, once before each optimizer step. Nothing is stored:
// resuming needs the step number alone.
#ifndef TRAINER_OPTIM_LR_SCHEDULE_H_
#define TRAINER_OPTIM_LR_SCHEDULE_H_

#include <cstdint>

#include "configs/train_options.h"

namespace slimreel {

// `schedule`: constant; linear, to 0 at the last step; cosine, to 0 along half a
// cosine (Loshchilov & Hutter, "SGDR", without restarts); step, times `gamma`
// every `step_size` steps (torch.optim.lr_scheduler.StepLR).
struct LrCurve {
  LrSchedule schedule = LrSchedule::kConstant;
  double base_lr = 1e-3;
  int64_t warmup_steps = 0;  // linear to base_lr; the first step already has base_lr / warmup
  int64_t total_steps = 1;   // of the whole run, warm-up included; past it the last value holds
  int64_t step_size = 0;     // step only; 0: a third of total_steps
  double gamma = 0.1;        // step only
};

// The rate of optimizer step `step`, counted from 0.
double LearningRate(const LrCurve& curve, int64_t step);

// The linear scaling rule (Goyal et al., "Accurate, Large Minibatch SGD"):
// lr * effective_batch / reference_batch; lr itself where there is no reference (0).
double ScaledBaseLr(double lr, int64_t effective_batch, int64_t reference_batch);

}  // namespace slimreel

#endif  // TRAINER_OPTIM_LR_SCHEDULE_H_
