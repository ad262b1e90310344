#include "trainer/optim/layer_decay.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/string_view.h"

namespace slimreel {
namespace {

// Stage "layer1.0.conv1" belongs to layer "layer1.0".
std::string LayerName(const Stage& stage) {
  const absl::string_view name = stage.name();
  return std::string(name.substr(0, name.rfind('.')));
}

// A residual block. The key "backbone.pose_path.layer3.5.conv1.bn.weight" names the stream
// "backbone.pose_path.", group 3, block 5.
struct Block {
  std::string stream;
  std::pair<int, int> number;  // group, block
};

absl::string_view Digits(absl::string_view text) {
  size_t n = 0;
  while (n < text.size() && absl::ascii_isdigit(text[n])) ++n;
  return text.substr(0, n);
}

std::optional<Block> BlockOf(absl::string_view key) {
  constexpr absl::string_view kLayer = "layer";
  for (size_t at = key.find(kLayer); at != key.npos; at = key.find(kLayer, at + 1)) {
    if (at > 0 && key[at - 1] != '.') continue;
    const absl::string_view group = Digits(key.substr(at + kLayer.size()));
    const absl::string_view rest = key.substr(at + kLayer.size() + group.size());
    if (group.empty() || !absl::StartsWith(rest, ".")) continue;
    const absl::string_view block = Digits(rest.substr(1));
    Block found{std::string(key.substr(0, at)), {}};
    if (absl::SimpleAtoi(group, &found.number.first) &&
        absl::SimpleAtoi(block, &found.number.second)) {
      return found;
    }
  }
  return std::nullopt;
}

// Distances to the head in residual networks, by parameter key. Stages cannot be counted there: a
// stage holds the norm of the convolution before it, which may belong to another block, and two
// streams lie side by side.
class ResidualDistances {
 public:
  // `after`: the number of layers after the last block, including the head.
  ResidualDistances(const Model& model, int after) {
    for (const NamedTensor& parameter : Parameters(model)) {
      if (const auto block = BlockOf(parameter.name)) streams_[block->stream][block->number] = 0;
    }
    for (auto& [stream, blocks] : streams_) {
      int distance = after + static_cast<int>(blocks.size()) - 1;
      seen_[stream] = distance + 1;  // the stem
      for (auto& [number, block_distance] : blocks) block_distance = distance--;
    }
  }

  // Call it for the parameters of the stages in the order of the chain. A parameter outside of the
  // blocks (stem, lateral) has the distance of the last block before it. If its key names a stream,
  // only the blocks of that stream count.
  int DistanceOf(const std::string& key) const {
    if (const auto block = BlockOf(key)) return streams_.at(block->stream).at(block->number);
    const auto own = std::find_if(seen_.begin(), seen_.end(), [&key](const auto& stream) {
      return !stream.first.empty() && absl::StartsWith(key, stream.first);
    });
    if (own != seen_.end()) return own->second;
    return std::min_element(seen_.begin(), seen_.end(),
                            [](const auto& a, const auto& b) { return a.second < b.second; })
        ->second;
  }
  // Call it after DistanceOf of all of the stage's parameters.
  void MarkPassed(const Stage& stage) {
    for (const NamedTensor& parameter : stage.parameters()) {
      const auto block = BlockOf(parameter.name);
      if (!block) continue;
      int& seen = seen_[block->stream];
      seen = std::min(seen, streams_.at(block->stream).at(block->number));
    }
  }

 private:
  std::map<std::string, std::map<std::pair<int, int>, int>> streams_;
  std::map<std::string, int> seen_;  // per stream: distance of the last block passed
};

bool HoldsMoreThanBlocks(const Stage& stage) {
  const std::vector<NamedTensor>& all = stage.parameters();
  return std::any_of(all.begin(), all.end(),
                     [](const NamedTensor& parameter) { return !BlockOf(parameter.name); });
}

// The distance of each stage to the head, counted along the chain. A stage that holds only
// parameters of blocks does not count as a layer.
std::vector<int> DistancesAlongChain(const Model& model) {
  std::vector<int> layers;
  std::string current;
  int layer = -1;
  for (const auto& stage : model.stages) {
    if (HoldsMoreThanBlocks(*stage)) {
      if (layer < 0 || LayerName(*stage) != current) ++layer;
      current = LayerName(*stage);
    }
    layers.push_back(layer);
  }
  for (int& distance : layers) distance = layer - distance;
  return layers;
}

}  // namespace

std::vector<double> LayerLrScales(const Model& model, double decay) {
  const auto& stages = model.stages;
  const std::vector<int> along = DistancesAlongChain(model);
  size_t behind_blocks = 0;  // index of the first stage after the last block
  int after = 0;             // number of layers from there on
  for (size_t i = 0; i < stages.size(); ++i) {
    if (BlockOf(stages[i]->name())) behind_blocks = i + 1;
  }
  for (size_t i = behind_blocks; i < stages.size(); ++i) {
    if (HoldsMoreThanBlocks(*stages[i])) after = std::max(after, along[i] + 1);
  }
  ResidualDistances residual(model, after);
  std::unordered_map<const void*, int> distance_of;
  for (size_t i = 0; i < stages.size(); ++i) {
    for (const NamedTensor& parameter : stages[i]->parameters()) {
      const bool by_key =
          behind_blocks > 0 && (i < behind_blocks || BlockOf(parameter.name).has_value());
      distance_of.emplace(parameter.tensor.unsafeGetTensorImpl(),
                          by_key ? residual.DistanceOf(parameter.name) : along[i]);
    }
    residual.MarkPassed(*stages[i]);
  }
  std::vector<double> scales;
  for (const NamedTensor& parameter : Parameters(model)) {
    scales.push_back(std::pow(decay, distance_of.at(parameter.tensor.unsafeGetTensorImpl())));
  }
  return scales;
}

}  // namespace slimreel
