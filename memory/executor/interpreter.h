// The state of one pass over a chain: which values and graphs live, and how one operation changes
// them. The executor runs whole schedules with it; the profiler runs single stages.
//
// Threading: one thread at a time. Ownership: it owns the values, graphs and gradients that live;
// an exception that passes through an operation leaves it in a state that may only be destroyed.
#ifndef MEMORY_EXECUTOR_INTERPRETER_H_
#define MEMORY_EXECUTOR_INTERPRETER_H_

#include <ATen/core/Tensor.h>

#include <vector>

#include "memory/executor/schedule.h"
#include "memory/paging/offload_stack.h"
#include "memory/stage/stage.h"

namespace slimreel {

// The input tuple of a stage.
struct Boundary {
  Tensors slots;                     // detached
  std::vector<bool> needs_gradient;  // which slots carry a gradient, one per slot
};

// Runs one operation after the other. The caller keeps to a valid schedule (ValidateSchedule).
class Interpreter {
 public:
  // `stages` must outlive the interpreter. With `ends_with_loss` the last stage returns the loss in
  // slot 0, and its backward starts from `loss_gradient` (undefined: 1).
  Interpreter(std::vector<Stage*> stages, const StageContext& context, Boundary inputs,
              bool ends_with_loss, const at::Tensor& loss_gradient);
  ~Interpreter();
  Interpreter(const Interpreter&) = delete;
  Interpreter& operator=(const Interpreter&) = delete;

  // `output_read`: a later operation reads the output of this forward pass. Else it is dropped.
  void Execute(const Op& op, bool output_read);

  // From now on the inputs of checkpointed stages go to the host, and come back when their stage
  // runs again. Not owned; null: they stay.
  void set_offload(OffloadStack* offload) { offload_ = offload; }

  // The tuple of the last stage's first visit, detached.
  Tensors TakeOutputs();

  // The value at boundary `i`, the input of stage i (num_stages: the output of the last stage).
  Boundary TakeBoundary(int i);
  // Gradients of the outputs of the stage that goes backward next, one per slot; undefined: none.
  // After a backward: of that stage's inputs.
  Tensors TakeGradients();
  const Tensors& gradients() const { return gradients_; }
  void SetGradients(Tensors gradients);
  // As if the stage had been visited already, so that its next visit is not the first one.
  void MarkVisited(int i);

 private:
  struct StageGraph;

  void Forward(const Op& op, bool output_read);
  Tensors ForwardKeep(int i, const std::vector<bool>& needs, Tensors in);
  void SeedGradient(const Tensors& out);
  void Backward(int i);
  bool IsLoss(int i) const;
  void Offload(int i);
  void BringBack(int i);

  const std::vector<Stage*> stages_;
  StageContext context_;
  const bool ends_with_loss_;
  const at::Tensor loss_gradient_;
  std::vector<Boundary> values_;  // values_[i]: the input of stage i
  OffloadStack* offload_ = nullptr;
  // Handles of the slots of values_[i] that are on the host; such a slot is undefined.
  std::vector<std::vector<OffloadStack::Handle>> offloaded_;
  std::vector<StageGraph> graphs_;
  std::vector<bool> visited_;
  Tensors gradients_;  // of the outputs of the stage that goes backward next
  Tensors outputs_;    // of the last stage
};

// Only the forward pass over the given chain, without grad.
Tensors ForwardWithoutGraph(const std::vector<Stage*>& chain, const StageContext& context,
                            Tensors inputs);

// Does a parameter of the stage require a gradient?
bool HasTrainableParameter(const Stage& stage);

// Create one before the first operation. If an exception passes, it frees what a failed backward
// left in LibTorch's engine. See Note [What a failed backward leaves in the engine].
class EngineQueueCleaner {
 public:
  EngineQueueCleaner();
  ~EngineQueueCleaner();

 private:
  const int exceptions_;
};

}  // namespace slimreel

#endif  // MEMORY_EXECUTOR_INTERPRETER_H_
