// Gives a stage of a model without memory (device meta) zeros for its parameters, buffers
// and constants, as long as the object lives. So a model that does not fit the machine can be
// measured stage by stage.
//
// Threading: one thread. Ownership: the tensors are the stage's; their memory is this object's.
#ifndef MEMORY_PROFILE_STAGE_MEMORY_H_
#define MEMORY_PROFILE_STAGE_MEMORY_H_

#include <ATen/core/Tensor.h>

#include <utility>
#include <vector>

#include "memory/stage/stage.h"

namespace slimreel {

class StageMemory {
 public:
  // Does nothing for tensors that have memory.
  StageMemory(const Stage& stage, at::Device device);
  ~StageMemory();
  StageMemory(const StageMemory&) = delete;
  StageMemory& operator=(const StageMemory&) = delete;

 private:
  std::vector<std::pair<at::Tensor, at::Tensor>> without_memory_;  // tensor, what it was before
};

}  // namespace slimreel

#endif  // MEMORY_PROFILE_STAGE_MEMORY_H_
