#include "memory/profile/stage_memory.h"

#include <ATen/ops/zeros.h>

#include "memory/stage/become.h"

namespace slimreel {

StageMemory::StageMemory(const Stage& stage, at::Device device) {
  for (const auto* list : {&stage.parameters(), &stage.buffers(), &stage.constants()}) {
    for (const NamedTensor& named : *list) {
      at::Tensor tensor = named.tensor;
      if (!tensor.is_meta()) continue;
      without_memory_.emplace_back(tensor, tensor.detach());
      Become(tensor,
             at::zeros(tensor.sizes(), tensor.options().device(device).requires_grad(false)));
    }
  }
}

StageMemory::~StageMemory() {
  for (auto& [tensor, before] : without_memory_) Become(tensor, before);
}

}  // namespace slimreel
