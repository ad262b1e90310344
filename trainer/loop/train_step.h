// One optimizer step on one effective batch. Read this file first.
//
// Threading: one thread.
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
#include "base/memory_limits.h"
#include "configs/memory_options.h"
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
  int64_t norm_group = 0;                  // samples per BatchNorm group; 0: the whole micro-batch
  bool norm_frozen = false;                // BatchNorm normalises with running statistics
  std::optional<double> clip_grad_norm;    // > 0; none: no clipping
  std::optional<at::ScalarType> autocast;  // kHalf or kBFloat16: mixed precision
  OnOom on_oom = OnOom::kRetry;            // memory.on_oom
  Ceiling ceiling;                         // in force, for messages only; 0 bytes: none
  TightenLimits limits;                    // how far the plan may be tightened
  // Samples of the largest step. The memory of the step logs is taken for it before the first
  // step; 0: in the first step.
  int64_t effective_batch = 0;
};

struct StepOutcome {
  at::Tensor loss;       // scalar on the device: of the whole effective batch
  at::Tensor grad_norm;  // scalar on the device, before clipping
  // fp16 only, else undefined. Scalars on the device. found_inf is 1 if a gradient was not finite;
  // such a step was skipped. loss_scale is the scale of the loss in this step.
  at::Tensor found_inf;
  at::Tensor loss_scale;
  int64_t samples = 0;
  int64_t oom_retries = 0;
};

class TrainStep {
 public:
  TrainStep(const Model& model, Executor* executor, Optimizer* optimizer, TrainStepOptions options,
            Plan plan);

  // Runs forward and backward of every micro-batch, then clips the gradients and updates the
  // weights with rate `lr`. If forward or backward runs out of memory, the plan is tightened and
  // the batch is run again. Errors: NothingFits, with the plans that were tried; weights, buffers
  // and optimizer are then as before the call.
  absl::StatusOr<StepOutcome> Run(const Batch& batch, int64_t step, double lr);

  // Told of every operation of the steps to come, and of the update. Not owned; null: nobody.
  void set_hooks(ExecutorHooks* hooks) { hooks_ = hooks; }

  // The plan in force. Later steps use it, and a checkpoint stores it.
  const Plan& plan() const { return plan_; }
  // Replaces it before the first step.
  void set_plan(Plan plan) { plan_ = std::move(plan); }

 private:
  // Makes room in the step logs for a step of so many samples, unless it is there already.
  void ReserveLogs(int64_t samples);
  at::Tensor ForwardBackward(const Batch& batch, StageContext context);
  void Update(double lr, StepOutcome& outcome);
  absl::Status TightenPlan(int64_t step);

  const Model* model_;
  Executor* executor_;
  Optimizer* optimizer_;
  TrainStepOptions options_;
  Plan plan_;
  StepTransaction transaction_;
  std::vector<TriedPlan> tried_;  // plans that did not fit, in order
  int64_t refusals_ = 0;          // the allocator's count at the last reading
  ExecutorHooks* hooks_ = nullptr;
};

}  // namespace slimreel

#endif  // TRAINER_LOOP_TRAIN_STEP_H_
