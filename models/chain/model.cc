#include "models/chain/model.h"

#include <unordered_set>

namespace slimreel {
namespace {

void AppendOnce(const std::vector<NamedTensor>& from, std::unordered_set<void*>& seen,
                std::vector<NamedTensor>& to) {
  for (const NamedTensor& named : from) {
    if (seen.insert(named.tensor.unsafeGetTensorImpl()).second) to.push_back(named);
  }
}

}  // namespace

std::vector<Stage*> Model::Chain() const {
  std::vector<Stage*> chain;
  chain.reserve(stages.size() + 1);
  for (const auto& stage : stages) chain.push_back(stage.get());
  return chain;
}

std::vector<Stage*> Model::ChainWithLoss() const {
  std::vector<Stage*> chain = Chain();
  if (loss) chain.push_back(loss.get());
  return chain;
}

std::vector<NamedTensor> Parameters(const Model& model) {
  std::vector<NamedTensor> all;
  std::unordered_set<void*> seen;
  for (const auto& stage : model.stages) AppendOnce(stage->parameters(), seen, all);
  return all;
}

std::vector<NamedTensor> Constants(const Model& model) {
  std::vector<NamedTensor> all;
  std::unordered_set<void*> seen;
  for (const Stage* stage : model.ChainWithLoss()) AppendOnce(stage->constants(), seen, all);
  return all;
}

std::vector<NamedTensor> Buffers(const Model& model) {
  std::vector<NamedTensor> all;
  std::unordered_set<void*> seen;
  for (const auto& stage : model.stages) AppendOnce(stage->buffers(), seen, all);
  return all;
}

}  // namespace slimreel
