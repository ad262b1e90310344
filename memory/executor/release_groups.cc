#include "memory/executor/release_groups.h"

#include <unordered_set>

namespace slimreel {

std::vector<Tensors> ReleaseGroups(const std::vector<Stage*>& stages) {
  std::vector<Tensors> groups;
  std::unordered_set<const at::TensorImpl*> seen;
  for (const Stage* stage : stages) {
    Tensors& group = groups.emplace_back();
    for (const NamedTensor& named : stage->parameters()) {
      if (!named.tensor.requires_grad()) continue;
      if (seen.insert(named.tensor.unsafeGetTensorImpl()).second) group.push_back(named.tensor);
    }
  }
  return groups;
}

}  // namespace slimreel
