#include "memory/profile/stage_memory.h"

#include <ATen/ops/zeros.h>

namespace slimreel {
namespace {

// As Tensor::set_data, which refuses to change between a device with memory and one without.
void Become(const at::Tensor& tensor, const at::Tensor& other) {
  tensor.unsafeGetTensorImpl()->shallow_copy_from(other.getIntrusivePtr());
}

}  // namespace

StageMemory::StageMemory(const Stage& stage, at::Device device) {
  for (const auto* list : {&stage.parameters(), &stage.buffers()}) {
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
