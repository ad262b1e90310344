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

// The schedules after the warm-up: constant; linear, down to 0 at total_steps; cosine, down to 0
// along half a cosine (Loshchilov & Hutter, "SGDR", without restarts); step, multiplied by `gamma`
// every `step_size` steps (torch.optim.lr_scheduler.StepLR).
struct LrCurve {
  LrSchedule schedule = LrSchedule::kConstant;
  double base_lr = 1e-3;
  int64_t warmup_steps = 0;  // linear up to base_lr; the first step has base_lr / warmup_steps
  int64_t total_steps = 1;   // of the whole run with its warm-up; later steps keep the last value
  int64_t step_size = 0;     // step only; 0: a third of total_steps
  double gamma = 0.1;        // step only
};

// The rate of optimizer step `step`, counted from 0.
double LearningRate(const LrCurve& curve, int64_t step);

// The linear scaling rule (Goyal et al., "Accurate, Large Minibatch SGD"):
// lr * effective_batch / reference_batch. Without a reference (0), lr itself.
double ScaledBaseLr(double lr, int64_t effective_batch, int64_t reference_batch);

}  // namespace slimreel

#endif  // TRAINER_OPTIM_LR_SCHEDULE_H_
