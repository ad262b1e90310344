#include "trainer/optim/layer_decay.h"

#include <cmath>
#include <string>
#include <unordered_map>

namespace slimreel {
namespace {

std::string LayerName(const Stage& stage) {
  return stage.name().substr(0, stage.name().rfind('.'));
}

}  // namespace

std::vector<double> LayerLrScales(const Model& model, double decay) {
  std::unordered_map<const void*, int> layer_of;
  int layers = 0;
  std::string current;
  for (const auto& stage : model.stages) {
    if (stage->parameters().empty()) continue;
    if (layers == 0 || LayerName(*stage) != current) ++layers;
    current = LayerName(*stage);
    for (const NamedTensor& parameter : stage->parameters()) {
      layer_of.emplace(parameter.tensor.unsafeGetTensorImpl(), layers - 1);
    }
  }
  std::vector<double> scales;
  for (const NamedTensor& parameter : Parameters(model)) {
    const int layer = layer_of.at(parameter.tensor.unsafeGetTensorImpl());
    scales.push_back(std::pow(decay, layers - 1 - layer));
  }
  return scales;
}

}  // namespace slimreel
