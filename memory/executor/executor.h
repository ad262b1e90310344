// The one interpreter of schedules. "No checkpointing" is the schedule of all
// kForwardKeep and not another code path: that is what makes all schedules
// bitwise equal. Called by the trainer, once per micro-batch.
//
// Threading: one thread at a time. Owns nothing between calls; gradients
// accumulate into the parameters' .grad.
#ifndef MEMORY_EXECUTOR_EXECUTOR_H_
#define MEMORY_EXECUTOR_EXECUTOR_H_

#include <cstdint>
#include <vector>

#include "memory/executor/schedule.h"
#include "memory/stage/stage.h"

namespace slimreel {

// Called around every operation; costs nothing when null. Profilers, tests and
// out-of-memory injection hang in here.
class ExecutorHooks {
 public:
  virtual ~ExecutorHooks() = default;
  virtual void BeforeOp(const Op& /*op*/) {}
  virtual void AfterOp(const Op& /*op*/) {}
};

class Executor {
 public:
  // `chain` ends with the loss stage; stages must outlive the executor. Leading
  // stages without a parameter that requires grad form the frozen prefix: run
  // once without grad, outside of the schedule.
  explicit Executor(std::vector<Stage*> chain);

  int frozen_prefix() const { return frozen_prefix_; }
  // Stages that a schedule counts, the loss included.
  int num_scheduled_stages() const { return static_cast<int>(chain_.size()) - frozen_prefix_; }

  // Forward and backward of one micro-batch. Returns the chain's outputs
  // detached (the last stage's tuple: {loss, ...}). `context.first_visit` is
  // set by the executor. `loss_gradient`: what backward starts from, a scalar of the
  // loss's dtype (mixed precision scales it); undefined: 1. Exceptions (c10::OutOfMemoryError) pass
  // through and leave nothing behind but gradients accumulated so far.
  Tensors Run(const Schedule& schedule, StageContext context, Tensors inputs,
              ExecutorHooks* hooks = nullptr, const at::Tensor& loss_gradient = {});

  // Forward alone, without grad, over the given chain (evaluation, prediction).
  static Tensors Forward(const std::vector<Stage*>& chain, StageContext context, Tensors inputs);

 private:
  std::vector<Stage*> chain_;
  int frozen_prefix_ = 0;
};

}  // namespace slimreel

#endif  // MEMORY_EXECUTOR_EXECUTOR_H_
