// One optimizer step on one effective batch. Read this file first.
//
// Threading: one thread.
// Ownership: borrows the model, the executor and the optimizer; owns the plan in force.
#ifndef TRAINER_LOOP_TRAIN_STEP_H_
#define TRAINER_LOOP_TRAIN_STEP_H_

#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/memory_limits.h"
#include "configs/memory_options.h"
#include "data/loading/batch.h"
#include "memory/executor/executor.h"
#include "memory/executor/releasing_run.h"
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

// Why Plan::release cannot hold under these options, as the end of a sentence; empty if it can.
// Even then only steps of one micro-batch release: from the second one on all gradients live.
std::string WhyNotReleased(const TrainStepOptions& options, bool has_loss_scale);

class TrainStep {
 public:
  // If a plan asks for a release that cannot be, the log says why, and it is taken off the plan.
  TrainStep(const Model& model, Executor* executor, Optimizer* optimizer, TrainStepOptions options,
            Plan plan);

  // Runs forward and backward of every micro-batch, then clips the gradients and updates the
  // weights with rate `lr`. If forward or backward runs out of memory, the plan is tightened and
  // the batch is run again. Errors: NothingFits, with the plans that were tried; weights, buffers
  // and optimizer are then as before the call, unless is_half_done().
  absl::StatusOr<StepOutcome> Run(const Batch& batch, int64_t step, double lr);

  // True after a step that released ran out of memory for good: some weights were updated, others
  // were not. Such a state must not be saved.
  bool is_half_done() const { return is_half_done_; }

  // Told of every operation of the steps to come, and of the update. Not owned; null: nobody.
  void set_hooks(ExecutorHooks* hooks) { hooks_ = hooks; }

  // The plan in force. Later steps use it, and a checkpoint stores it.
  const Plan& plan() const { return plan_; }
  // Replaces it between two steps, or before the first one. `fallbacks`: what is tried if it runs
  // out of memory, before the ladder of Tighten.
  void set_plan(Plan plan, std::vector<FallbackPlan> fallbacks = {});

 private:
  // Makes room in the step logs for a step of so many samples, unless it is there already.
  void ReserveLogs(int64_t samples);
  at::Tensor ForwardBackward(const Batch& batch, StageContext context, ReleasingRun* releasing);
  void CheckRelease();
  std::unique_ptr<ReleasingRun> MakeReleasingRun(int64_t samples, double lr);
  void Update(double lr, bool released, StepOutcome& outcome);
  absl::Status TightenPlan(int64_t step);
  absl::Status GoOn(const ReleasingRun& run, int num_stages_before, int64_t step);

  const Model* model_;
  Executor* executor_;
  Optimizer* optimizer_;
  TrainStepOptions options_;
  Plan plan_;
  StepTransaction transaction_;
  std::vector<FallbackPlan> fallbacks_;  // of plan_, in falling order of peaks
  std::vector<TriedPlan> tried_;         // plans that did not fit, in order
  int64_t refusals_ = 0;                 // the allocator's count at the last reading
  ExecutorHooks* hooks_ = nullptr;
  bool is_half_done_ = false;
};

}  // namespace slimreel

#endif  // TRAINER_LOOP_TRAIN_STEP_H_
