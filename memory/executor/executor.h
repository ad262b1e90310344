// The one interpreter of schedules. "No checkpointing" is the schedule of all kForwardKeep, not
// another code path. This makes the results of all schedules bitwise equal.
//
// Threading: one thread at a time. Ownership: it owns nothing between calls. Gradients accumulate
// into the parameters' .grad.
#ifndef MEMORY_EXECUTOR_EXECUTOR_H_
#define MEMORY_EXECUTOR_EXECUTOR_H_

#include <cstdint>
#include <string>
#include <vector>

#include "memory/executor/schedule.h"
#include "memory/paging/offload_stack.h"
#include "memory/stage/stage.h"

namespace slimreel {

// Called before and after every operation, for profilers, tests and out-of-memory injection.
// Costs nothing if null.
class ExecutorHooks {
 public:
  virtual ~ExecutorHooks() = default;
  virtual void BeforeOp(const Op& /*op*/) {}
  virtual void AfterOp(const Op& /*op*/) {}
  // Around the frozen prefix, if there is one.
  virtual void BeforePrefix() {}
  virtual void AfterPrefix() {}
  // Around what follows the last micro-batch: norm, clipping, the optimizer's update. A step that
  // releases gradients calls them around the update of each stage too. The training step calls
  // these, not the executor.
  virtual void BeforeUpdate() {}
  virtual void AfterUpdate() {}
  // Around the whole optimizer step `step` (counted from 0), its batch included, also if it fails;
  // and when an attempt of it ran out of memory, before it is undone. The training step calls
  // these, too.
  virtual void BeforeStep(int64_t /*step*/) {}
  virtual void AfterStep() {}
  virtual void OnOutOfMemory() {}
};

class Executor {
 public:
  // `chain` ends with the loss stage. The stages must outlive the executor. Leading stages without
  // a parameter that requires grad form the frozen prefix: it runs once per Run, without grad and
  // outside of the schedule.
  explicit Executor(std::vector<Stage*> chain);

  int frozen_prefix() const { return frozen_prefix_; }
  // Number of stages that a schedule counts, with the loss.
  int num_scheduled_stages() const { return static_cast<int>(chain_.size()) - frozen_prefix_; }

  // Their names, in order.
  std::vector<std::string> stage_names() const;

  // Forward and backward of one micro-batch. Returns the last stage's tuple, detached:
  // {loss, ...}. The executor sets `context.first_visit`. `loss_gradient`: the gradient that
  // backward starts from, a scalar of the loss's dtype (mixed precision scales it); undefined: 1.
  // Exceptions (c10::OutOfMemoryError) pass through. They leave only the gradients accumulated so
  // far behind.
  Tensors Run(const Schedule& schedule, StageContext context, Tensors inputs,
              ExecutorHooks* hooks = nullptr, const at::Tensor& loss_gradient = {});

  // The inputs of checkpointed stages of later runs go to the host. It must outlive them; null:
  // they stay on the device.
  void set_offload(OffloadStack* offload) { offload_ = offload; }
  OffloadStack* offload() const { return offload_; }

  // The stages that a schedule counts, in order, with the loss.
  std::vector<Stage*> ScheduledStages() const;
  // Runs the frozen prefix: batch inputs -> inputs of the first scheduled stage. As Run does.
  Tensors RunPrefix(const StageContext& context, Tensors inputs, ExecutorHooks* hooks) const;

  // Only the forward pass over the given chain, without grad (evaluation, prediction).
  static Tensors Forward(const std::vector<Stage*>& chain, StageContext context, Tensors inputs);

 private:
  std::vector<Stage*> chain_;
  int frozen_prefix_ = 0;
  OffloadStack* offload_ = nullptr;
};

}  // namespace slimreel

#endif  // MEMORY_EXECUTOR_EXECUTOR_H_
