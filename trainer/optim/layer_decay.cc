#include "trainer/optim/layer_decay.h"

#include <cmath>
#include <string>
#include <unordered_map>

#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"

namespace slimreel {
namespace {

// "layer1.0.conv1" and the first half of a factorised convolution,
// "layer1.0.conv1.spatial", are both of layer "layer1.0".
std::string LayerName(const Stage& stage) {
  absl::string_view name = stage.name();
  absl::ConsumeSuffix(&name, ".spatial");
  return std::string(name.substr(0, name.rfind('.')));
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
