// What a step must be able to undo: gradients and the buffers that a forward
// pass moves (BatchNorm's running statistics). Parameters and optimizer state
// change only after the retried region, and randomness is counter-based.
//
// Called by the trainer around each attempt of a step. Threading: one thread.
// Owns its snapshots, whose memory is taken at construction, so that neither
// Begin nor Rollback can run out of memory.
#ifndef MEMORY_RECOVERY_STEP_TRANSACTION_H_
#define MEMORY_RECOVERY_STEP_TRANSACTION_H_

#include <ATen/core/Tensor.h>

#include <vector>

namespace slimreel {

class StepTransaction {
 public:
  // The tensors are shared, not copied: the model's own parameters and buffers.
  StepTransaction(std::vector<at::Tensor> parameters, std::vector<at::Tensor> buffers);

  // Snapshots the buffers; at the start of a step, before the first forward.
  void Begin();
  // Undoes an attempt: buffers as at Begin (in place), every gradient undefined.
  // May be called any number of times after one Begin.
  void Rollback();
  // Gradients to none, for the start of the next step.
  void DropGradients();

 private:
  std::vector<at::Tensor> parameters_;
  std::vector<at::Tensor> buffers_;
  std::vector<at::Tensor> snapshots_;
};

}  // namespace slimreel

#endif  // MEMORY_RECOVERY_STEP_TRANSACTION_H_
