#include "models/rgb/r3d.h"

#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "models/heads/classifier.h"
#include "models/layers/batch_norm.h"
#include "models/layers/conv3d.h"
#include "models/layers/parameter_maker.h"

namespace slimreel {
namespace {

using Size3 = std::array<int64_t, 3>;
constexpr Size3 kCube{3, 3, 3};
constexpr Size3 kOne{1, 1, 1};

std::string Describe(const Size3& size) {
  return absl::StrCat(size[0], "x", size[1], "x", size[2]);
}

// Convolution, BatchNorm: what a stage is made of.
struct ConvNorm {
  ConvNorm(ParameterMaker& make, const std::string& prefix, int64_t inputs, int64_t outputs,
           Size3 kernel, Size3 stride)
      : conv(make, prefix + ".0", inputs, outputs, kernel, stride),
        norm(make, prefix + ".1", outputs) {}

  // A fresh tensor that backward does not need: ReLU and sums go in place on it.
  at::Tensor Forward(const StageContext& context, const at::Tensor& x) {
    return norm.Forward(context, conv.Forward(x));
  }

  Conv3d conv;
  BatchNorm norm;
};

// {x} -> {relu(norm(conv(x)))}
class Stem : public Stage {
 public:
  Stem(const R3dConfig& config, const ModelSpec& spec) : Stage("stem") {
    ParameterMaker make(spec.seed, spec.dtype, &parameters_, &buffers_);
    layer_.emplace(make, "stem", 3, config.stem_width, config.stem_kernel, config.stem_stride);
  }

  Tensors Forward(const StageContext& context, Tensors in) override {
    return {layer_->Forward(context, in[0]).relu_()};
  }

 private:
  std::optional<ConvNorm> layer_;
};

struct BlockShape {
  std::string name;  // "layer1.0"
  int64_t inputs;
  int64_t outputs;
  Size3 stride;
};

// First half of a block: {x} -> {relu(norm(conv(x))), x}
class BlockConv1 : public Stage {
 public:
  BlockConv1(const BlockShape& shape, const ModelSpec& spec)
      : Stage(shape.name + ".conv1"),
        signature_(absl::StrCat("r3d_conv1 ", shape.inputs, "->", shape.outputs, " stride ",
                                Describe(shape.stride))) {
    ParameterMaker make(spec.seed, spec.dtype, &parameters_, &buffers_);
    layer_.emplace(make, name(), shape.inputs, shape.outputs, kCube, shape.stride);
  }

  Tensors Forward(const StageContext& context, Tensors in) override {
    return {layer_->Forward(context, in[0]).relu_(), in[0]};
  }
  std::vector<int> handed_on() const override { return {-1, 0}; }
  std::string signature() const override { return signature_; }

 private:
  std::string signature_;
  std::optional<ConvNorm> layer_;
};

// Second half: {y, x} -> {relu(norm(conv(y)) + shortcut(x))}; the shortcut is a
// strided 1x1x1 convolution with BatchNorm where shapes differ, else x itself.
class BlockConv2 : public Stage {
 public:
  BlockConv2(const BlockShape& shape, const ModelSpec& spec)
      : Stage(shape.name + ".conv2"),
        signature_(absl::StrCat("r3d_conv2 ", shape.inputs, "->", shape.outputs, " stride ",
                                Describe(shape.stride))) {
    ParameterMaker make(spec.seed, spec.dtype, &parameters_, &buffers_);
    layer_.emplace(make, name(), shape.outputs, shape.outputs, kCube, kOne);
    if (shape.inputs != shape.outputs || shape.stride != kOne) {
      downsample_.emplace(make, shape.name + ".downsample", shape.inputs, shape.outputs, kOne,
                          shape.stride);
    }
  }

  Tensors Forward(const StageContext& context, Tensors in) override {
    at::Tensor out = layer_->Forward(context, in[0]);
    out.add_(downsample_ ? downsample_->Forward(context, in[1]) : in[1]);
    return {out.relu_()};
  }
  std::string signature() const override { return signature_; }

 private:
  std::string signature_;
  std::optional<ConvNorm> layer_;
  std::optional<ConvNorm> downsample_;
};

}  // namespace

R3dConfig R3d18() {
  R3dConfig config;
  config.layers = {{64, 2, kOne}, {128, 2, {2, 2, 2}}, {256, 2, {2, 2, 2}}, {512, 2, {2, 2, 2}}};
  return config;
}

R3dConfig R3dNano() {
  R3dConfig config;
  config.stem_kernel = {3, 5, 5};
  config.stem_width = 16;
  config.layers = {{32, 1, {2, 2, 2}}, {64, 1, {2, 2, 2}}, {64, 1, {2, 2, 2}}};
  return config;
}

std::vector<std::unique_ptr<Stage>> MakeR3dStages(const R3dConfig& config, const ModelSpec& spec) {
  std::vector<std::unique_ptr<Stage>> stages;
  stages.push_back(std::make_unique<Stem>(config, spec));
  int64_t inputs = config.stem_width;
  for (size_t l = 0; l < config.layers.size(); ++l) {
    const R3dConfig::Layer& layer = config.layers[l];
    for (int64_t b = 0; b < layer.blocks; ++b) {
      const BlockShape shape{absl::StrCat("layer", l + 1, ".", b), inputs, layer.width,
                             b == 0 ? layer.stride : kOne};
      stages.push_back(std::make_unique<BlockConv1>(shape, spec));
      stages.push_back(std::make_unique<BlockConv2>(shape, spec));
      inputs = layer.width;
    }
  }
  stages.push_back(std::make_unique<ConvClassifier>(ClassifierOptions{
      inputs, spec.num_classes, spec.dropout < 0 ? 0.0 : spec.dropout, spec.seed, spec.dtype}));
  return stages;
}

}  // namespace slimreel
