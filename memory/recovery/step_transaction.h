// Undoes an attempt of a step. An attempt changes gradients and the buffers that a forward pass
// moves (BatchNorm's running statistics). Parameters and optimizer state change only after the
// retried region, and randomness is counter-based, so neither needs undoing.
//
// Threading: one thread. Ownership: it owns its snapshots and takes their memory at construction,
// so Begin and Rollback cannot run out of memory.
#ifndef MEMORY_RECOVERY_STEP_TRANSACTION_H_
#define MEMORY_RECOVERY_STEP_TRANSACTION_H_

#include <ATen/core/Tensor.h>

#include <vector>

namespace slimreel {

class StepTransaction {
 public:
  // Shares the tensors with the model; copies nothing but the snapshots.
  StepTransaction(std::vector<at::Tensor> parameters, std::vector<at::Tensor> buffers);

  // Snapshots the buffers. Call it at the start of a step, before the first forward pass.
  void Begin();
  // Undoes an attempt: restores the buffers in place as they were at Begin and makes every
  // gradient undefined. May be called any number of times after one Begin.
  void Rollback();
  // Makes every gradient undefined, for the start of the next step.
  void DropGradients();

 private:
  std::vector<at::Tensor> parameters_;
  std::vector<at::Tensor> buffers_;
  std::vector<at::Tensor> snapshots_;
};

}  // namespace slimreel

#endif  // MEMORY_RECOVERY_STEP_TRANSACTION_H_
