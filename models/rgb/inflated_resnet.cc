#include "models/rgb/inflated_resnet.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "models/heads/conv_classifier.h"

namespace slimreel {
namespace {

ConvNormShape Named(const NetworkNames& names, const std::string& name, ConvolutionShape shape) {
  const std::string key = names.keys + name;
  return {names.stages + name, key + ".conv", key + ".bn", std::move(shape)};
}

}  // namespace

InflatedResNetConfig SlowOnlyR50() {
  InflatedResNetConfig config;
  config.layers = {{3, false, 1, 1}, {4, false, 2, 1}, {6, true, 2, 1}, {3, true, 2, 1}};
  return config;
}

std::unique_ptr<Stage> MakeInflatedStem(const InflatedResNetConfig& config,
                                        const NetworkNames& names, ConvStream& stream,
                                        OtherSlots others) {
  const int64_t stride = config.stem_stride;
  auto stage =
      stream.Conv(Named(names, "conv1",
                        {config.in_channels, config.base_channels, {1, 7, 7}, {1, stride, stride}}),
                  others);
  stream.PoolNext({{1, 3, 3}, {1, config.pool_stride, config.pool_stride}});
  return stage;
}

std::vector<std::unique_ptr<Stage>> MakeInflatedLayer(const InflatedResNetConfig& config, size_t l,
                                                      const NetworkNames& names, ConvStream& stream,
                                                      OtherSlots others) {
  const InflatedResNetConfig::Layer& layer = config.layers[l];
  const int64_t width = config.base_channels << l;
  const int64_t outputs = config.OutputChannels(l);
  std::vector<std::unique_ptr<Stage>> stages;
  for (int64_t b = 0; b < layer.blocks; ++b) {
    const std::string name = absl::StrCat("layer", l + 1, ".", b);
    const int64_t inputs =
        b > 0 ? outputs
              : (l == 0 ? config.base_channels : config.OutputChannels(l - 1)) + layer.lateral;
    const int64_t in_space = b == 0 ? layer.spatial_stride : 1;
    const int64_t in_time = b == 0 ? layer.temporal_stride : 1;
    const std::vector<int64_t> stride{in_time, in_space, in_space};
    ResidualBlockShape block;
    block.convs = {
        Named(names, name + ".conv1", {inputs, width, {layer.inflate ? 3 : 1, 1, 1}, {1, 1, 1}}),
        Named(names, name + ".conv2", {width, width, {1, 3, 3}, stride}),
        Named(names, name + ".conv3", {width, outputs, {1, 1, 1}, {1, 1, 1}}),
    };
    block.convs.back().gamma = 0.0;  // mmaction2's zero_init_residual
    if (in_space != 1 || inputs != outputs) {
      block.shortcut = Named(names, name + ".downsample", {inputs, outputs, {1, 1, 1}, stride});
    }
    for (auto& stage : stream.Block(block, others)) stages.push_back(std::move(stage));
  }
  return stages;
}

std::vector<std::unique_ptr<Stage>> MakeInflatedResNetStages(const InflatedResNetConfig& config,
                                                             const ClassifierOptions& head) {
  const NetworkNames names{"backbone.", ""};
  ConvStream stream(head.parameters, /*items_per_sample=*/1);
  std::vector<std::unique_ptr<Stage>> stages;
  stages.push_back(MakeInflatedStem(config, names, stream));
  for (size_t l = 0; l < config.layers.size(); ++l) {
    for (auto& stage : MakeInflatedLayer(config, l, names, stream))
      stages.push_back(std::move(stage));
  }
  stages.push_back(std::make_unique<ConvClassifier>(
      "cls_head", std::vector<ConvClassifier::Stream>{{"cls_head.fc_cls", stream.TakeNorm()}},
      head));
  return stages;
}

}  // namespace slimreel
