// One optimizer step on one effective batch: the page to read first.
//
// Who calls it: trainer/loop/trainer. Threading: one thread.
// Ownership: borrows the model, the executor and the optimizer; owns the plan in force.
#ifndef TRAINER_LOOP_TRAIN_STEP_H_
#define TRAINER_LOOP_TRAIN_STEP_H_

#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "data/loading/batch.h"
#include "memory/executor/executor.h"
#include "memory/policy/plan.h"
#include "memory/policy/tighten.h"
#include "memory/recovery/step_transaction.h"
#include "models/chain/model.h"
#include "trainer/optim/optimizer.h"

namespace slimreel {

struct TrainStepOptions {
  uint64_t seed = 0;
  at::Device device = at::kCPU;
  int64_t norm_group = 0;                  // samples per BatchNorm group; 0: the micro-batch
  bool norm_frozen = false;                // BatchNorm uses running statistics
  double clip_grad_norm = 0.0;             // 0: no clipping
  std::optional<at::ScalarType> autocast;  // kHalf or kBFloat16: mixed precision
  bool retry_on_oom = true;                // memory.on_oom
  int64_t budget_bytes = 0;                // the ceiling in force, for messages; 0: none
  TightenLimits limits;                    // how far the plan may be tightened
};

struct StepOutcome {
  at::Tensor loss;       // scalar on the device: of the whole effective batch
  at::Tensor grad_norm;  // scalar on the device, before clipping
  // fp16, scalars on the device: 1 where gradients were not finite, so that the step was
  // left out; the scale of the loss in this step. Else undefined.
  at::Tensor found_inf;
  at::Tensor loss_scale;
  int64_t samples = 0;
  int64_t oom_retries = 0;
};

class TrainStep {
 public:
  TrainStep(const Model& model, Executor* executor, Optimizer* optimizer, TrainStepOptions options,
            Plan plan);

  // Forward and backward of every micro-batch, then clipping and the update with
  // rate `lr`. Out of memory in forward or backward is answered by a tighter plan and
  // the same batch again. Errors: NothingFits (says what was tried); afterwards weights, buffers
  // and optimizer are as before the call.
  absl::StatusOr<StepOutcome> Run(const Batch& batch, int64_t step, double lr);

  // The plan in force: what later steps use, and what a checkpoint stores.
  const Plan& plan() const { return plan_; }

 private:
  at::Tensor ForwardBackward(const Batch& batch, StageContext context);
  absl::Status TightenPlan(int64_t step);

  const Model* model_;
  Executor* executor_;
  Optimizer* optimizer_;
  TrainStepOptions options_;
  Plan plan_;
  StepTransaction transaction_;
  std::vector<TriedPlan> tried_;  // that did not fit, in order
  int64_t refusals_ = 0;          // of the allocator, when it was last read
};

}  // namespace slimreel

#endif  // TRAINER_LOOP_TRAIN_STEP_H_
