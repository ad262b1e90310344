#include "models/rgb/frame_resnet.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "models/heads/temporal_classifier.h"
#include "models/layers/conv/conv_stages.h"
#include "models/spec/spec_options.h"

namespace slimreel {
namespace {

// {clips [B, 3, T, H, W]} -> {frames [B T, 3, H, W]}
class FramesStage : public Stage {
 public:
  FramesStage() : Stage("frames") {}
  Tensors Forward(const StageContext& /*context*/, Tensors in) override {
    return {in[0].transpose(1, 2).flatten(0, 1).contiguous()};
  }
};

// {raw [B T, C, h, w] (, shortcut)} -> {features [B, T, C]}: the last norm, ReLU, mean over space.
class AveragePool : public Stage {
 public:
  AveragePool(const NormReluShape& norm, int64_t num_frames, const ParameterOptions& options)
      : Stage("avgpool"), num_frames_(num_frames) {
    ParameterMaker make(options, &state_);
    norm_ = std::make_unique<NormRelu>(make, norm);
  }
  Tensors Forward(const StageContext& context, Tensors in) override {
    const at::Tensor features = norm_->Forward(context, in).mean({2, 3});
    return {features.view({-1, num_frames_, features.size(1)})};
  }

 private:
  int64_t num_frames_;
  std::unique_ptr<NormRelu> norm_;
};

ConvNormShape Conv(const std::string& prefix, int number, int64_t inputs, int64_t outputs,
                   int64_t kernel, int64_t stride) {
  const std::string name = absl::StrCat(prefix, "conv", number);
  return {name,
          name,
          absl::StrCat(prefix, "bn", number),
          {inputs, outputs, {kernel, kernel}, {stride, stride}}};
}

ResidualBlockShape Block(const std::string& name, bool bottleneck, int64_t inputs, int64_t width,
                         int64_t stride) {
  const std::string prefix = name + ".";
  const int64_t outputs = bottleneck ? 4 * width : width;
  ResidualBlockShape block;
  if (bottleneck) {  // as in torchvision, the 3x3 convolution has the stride
    block.convs = {Conv(prefix, 1, inputs, width, 1, 1), Conv(prefix, 2, width, width, 3, stride),
                   Conv(prefix, 3, width, outputs, 1, 1)};
  } else {
    block.convs = {Conv(prefix, 1, inputs, width, 3, stride), Conv(prefix, 2, width, width, 3, 1)};
  }
  if (stride != 1 || inputs != outputs) {
    block.shortcut = {"",
                      prefix + "downsample.0",
                      prefix + "downsample.1",
                      {inputs, outputs, {1, 1}, {stride, stride}}};
  }
  return block;
}

}  // namespace

FrameResNetConfig ResNet18() { return {64, false, {2, 2, 2, 2}}; }

FrameResNetConfig ResNet50() { return {64, true, {3, 4, 6, 3}}; }

std::vector<std::unique_ptr<Stage>> MakeFrameResNetStages(const FrameResNetConfig& config,
                                                          const ModelSpec& spec) {
  const ParameterOptions options = MakeParameterOptions(spec);
  ConvStream stream(options, spec.num_frames);
  std::vector<std::unique_ptr<Stage>> stages;
  stages.push_back(std::make_unique<FramesStage>());
  stages.push_back(stream.Conv(Conv("", 1, 3, config.base_channels, 7, 2)));
  stream.PoolNext({{3, 3}, {2, 2}});
  int64_t inputs = config.base_channels;
  for (size_t l = 0; l < config.blocks.size(); ++l) {
    const int64_t width = config.base_channels << l;
    for (int64_t b = 0; b < config.blocks[l]; ++b) {
      const std::string name = absl::StrCat("layer", l + 1, ".", b);
      const int64_t stride = l > 0 && b == 0 ? 2 : 1;
      for (auto& stage : stream.Block(Block(name, config.bottleneck, inputs, width, stride))) {
        stages.push_back(std::move(stage));
      }
      inputs = config.bottleneck ? 4 * width : width;
    }
  }
  stages.push_back(std::make_unique<AveragePool>(stream.TakeNorm(), spec.num_frames, options));
  stages.push_back(std::make_unique<TemporalClassifier>(
      spec.temporal_pooling, MakeClassifierOptions(spec, /*reference_dropout=*/0.0, inputs)));
  return stages;
}

}  // namespace slimreel
