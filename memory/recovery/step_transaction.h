// Undoes an attempt of a step. An attempt changes gradients and appends to the step logs of stages
// (memory/stage/step_log.h). Parameters, buffers and optimizer state change only after the retried
// region, and randomness is counter-based, so none of them needs undoing.
//
// Threading: one thread. Ownership: borrows the stages.
#ifndef MEMORY_RECOVERY_STEP_TRANSACTION_H_
#define MEMORY_RECOVERY_STEP_TRANSACTION_H_

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "memory/stage/stage.h"

namespace slimreel {

class StepTransaction {
 public:
  // `parameters` share the tensors with the stages.
  StepTransaction(std::vector<at::Tensor> parameters, const std::vector<Stage*>& chain);

  // Takes memory for the logs of a step of `groups` normalisation groups, unless it is there
  // already. May run out of memory: call it before the first step, or in the retried region.
  void Reserve(int64_t groups);

  // Drops what forward passes outside of steps have logged. Call it at the start of a step.
  void Begin();
  // Undoes an attempt: drops the logs and makes every gradient undefined.
  void Rollback();
  // Moves the buffers by what the step has logged. Call it once, after the last micro-batch.
  void Commit();

 private:
  std::vector<at::Tensor> parameters_;
  std::vector<StepLog*> logs_;
};

}  // namespace slimreel

#endif  // MEMORY_RECOVERY_STEP_TRANSACTION_H_
