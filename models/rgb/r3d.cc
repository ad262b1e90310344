#include "models/rgb/r3d.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "models/heads/conv_classifier.h"
#include "models/layers/conv/conv_stages.h"
#include "models/spec/spec_options.h"

namespace slimreel {
namespace {

using Size = std::vector<int64_t>;
using Stages = std::vector<std::unique_ptr<Stage>>;

// torchvision's midplanes: the two convolutions have about as many weights as a 3x3x3 one.
int64_t MiddleChannels(int64_t inputs, int64_t outputs) {
  return inputs * outputs * 27 / (inputs * 9 + 3 * outputs);
}

// One half of a residual block: `prefix`.0 is the convolution, `prefix`.1 its norm.
std::vector<ConvNormShape> Half(const std::string& prefix, VideoConv kind, int64_t inputs,
                                int64_t outputs, int64_t middle, int64_t stride) {
  const std::string conv = prefix + ".0";
  const std::string norm = prefix + ".1";
  if (kind == VideoConv::kCube) {
    return {{prefix, conv, norm, {inputs, outputs, {3, 3, 3}, Size(3, stride)}}};
  }
  if (kind == VideoConv::kFlat) {
    return {{prefix, conv, norm, {inputs, outputs, {1, 3, 3}, {1, stride, stride}}}};
  }
  return {{prefix + ".spatial",
           conv + ".0",
           conv + ".1",
           {inputs, middle, {1, 3, 3}, {1, stride, stride}}},
          {prefix, conv + ".3", norm, {middle, outputs, {3, 1, 1}, {stride, 1, 1}}}};
}

ResidualBlockShape Block(const std::string& name, VideoConv kind, int64_t inputs, int64_t outputs,
                         int64_t stride) {
  const int64_t middle = MiddleChannels(inputs, outputs);
  ResidualBlockShape block;
  block.convs = Half(name + ".conv1", kind, inputs, outputs, middle, stride);
  for (ConvNormShape& conv : Half(name + ".conv2", kind, outputs, outputs, middle, 1)) {
    block.convs.push_back(std::move(conv));
  }
  if (stride != 1 || inputs != outputs) {
    const int64_t in_time = kind == VideoConv::kFlat ? 1 : stride;
    block.shortcut = {"",
                      name + ".downsample.0",
                      name + ".downsample.1",
                      {inputs, outputs, {1, 1, 1}, {in_time, stride, stride}}};
  }
  return block;
}

Stages Stem(const R3dConfig& config, ConvStream& stream) {
  const Size kernel(config.stem_kernel.begin(), config.stem_kernel.end());
  const Size stride(config.stem_stride.begin(), config.stem_stride.end());
  Stages stages;
  if (config.stem_middle == 0) {
    stages.push_back(
        stream.Conv({"stem", "stem.0", "stem.1", {3, config.stem_width, kernel, stride}}));
    return stages;
  }
  stages.push_back(
      stream.Conv({"stem.spatial",
                   "stem.0",
                   "stem.1",
                   {3, config.stem_middle, {1, kernel[1], kernel[2]}, {1, stride[1], stride[2]}}}));
  stages.push_back(
      stream.Conv({"stem",
                   "stem.3",
                   "stem.4",
                   {config.stem_middle, config.stem_width, {kernel[0], 1, 1}, {stride[0], 1, 1}}}));
  return stages;
}

R3dConfig EighteenLayers(VideoConv first, VideoConv others) {
  R3dConfig config;
  config.layers = {
      {64, 2, 1, first}, {128, 2, 2, others}, {256, 2, 2, others}, {512, 2, 2, others}};
  return config;
}

}  // namespace

R3dConfig R3d18() { return EighteenLayers(VideoConv::kCube, VideoConv::kCube); }

R3dConfig Mc3R18() { return EighteenLayers(VideoConv::kCube, VideoConv::kFlat); }

R3dConfig R2Plus1dR18() {
  R3dConfig config = EighteenLayers(VideoConv::kFactorised, VideoConv::kFactorised);
  config.stem_middle = 45;
  return config;
}

R3dConfig R3dNano() {
  R3dConfig config;
  config.stem_kernel = {3, 5, 5};
  config.stem_width = 16;
  config.layers = {{32, 1, 2}, {64, 1, 2}, {64, 1, 2}};
  return config;
}

Stages MakeR3dStages(const R3dConfig& config, const ModelSpec& spec) {
  ConvStream stream(MakeParameterOptions(spec), /*items_per_sample=*/1);
  Stages stages = Stem(config, stream);
  int64_t inputs = config.stem_width;
  for (size_t l = 0; l < config.layers.size(); ++l) {
    const R3dConfig::Layer& layer = config.layers[l];
    for (int64_t b = 0; b < layer.blocks; ++b) {
      const std::string name = absl::StrCat("layer", l + 1, ".", b);
      for (auto& stage :
           stream.Block(Block(name, layer.conv, inputs, layer.width, b == 0 ? layer.stride : 1))) {
        stages.push_back(std::move(stage));
      }
      inputs = layer.width;
    }
  }
  stages.push_back(std::make_unique<ConvClassifier>(
      "fc", std::vector<ConvClassifier::Stream>{{"fc", stream.TakeNorm()}},
      MakeClassifierOptions(spec, /*reference_dropout=*/0.0)));
  return stages;
}

}  // namespace slimreel
