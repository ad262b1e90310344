// Compares fresh weights with what the references draw: transformers' `initializer_range` 0.02,
// torchvision's and mmaction2's Kaiming normal (fan-out), heads with deviation 0.01, torch.nn's
// uniform defaults.
#include <ATen/core/Tensor.h>
#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <regex>
#include <string>
#include <vector>

#include "models/factory/factory.h"

namespace slimreel {
namespace {

enum class Draw { kConstant, kNormal, kUniform };
struct Expected {
  Draw draw;
  double value;  // constant, standard deviation, or bound
};

double FanOut(const at::Tensor& weight) {
  return static_cast<double>(weight.size(0)) * static_cast<double>(weight[0][0].numel());
}

bool Matches(const std::string& key, const char* pattern) {
  return std::regex_search(key, std::regex(pattern));
}

// VideoMAE, TimeSformer, Whisper.
Expected OfTransformer(const std::string& key, const at::Tensor& weight) {
  if (Matches(key, "time_embeddings$")) return {Draw::kConstant, 0.0};
  if (weight.dim() > 1) return {Draw::kNormal, 0.02};
  return {Draw::kConstant, Matches(key, "bias$") ? 0.0 : 1.0};
}

// torchvision's VideoResNet and ResNet; mmaction2's ResNet3d, whose blocks start as identities.
Expected OfConvNet(const std::string& key, const at::Tensor& weight) {
  if (weight.dim() >= 4) return {Draw::kNormal, std::sqrt(2.0 / FanOut(weight))};
  if (weight.dim() == 2) return {Draw::kNormal, 0.01};
  if (Matches(key, "conv3\\.bn\\.weight$")) return {Draw::kConstant, 0.0};
  return {Draw::kConstant, Matches(key, "bias$") ? 0.0 : 1.0};
}

// Compares mean and deviation within 6 standard errors. The tensors are large enough that a wrong
// deviation, mean or distribution shows.
void ExpectDrawn(const std::string& key, const at::Tensor& weight, const Expected& expected) {
  const at::Tensor values = weight.detach().to(at::kDouble).flatten();
  const double n = static_cast<double>(values.numel());
  if (expected.draw == Draw::kConstant) {
    EXPECT_TRUE(values.eq(expected.value).all().item<bool>()) << key;
    return;
  }
  const bool uniform = expected.draw == Draw::kUniform;
  const double deviation = uniform ? expected.value / std::sqrt(3.0) : expected.value;
  const double most = values.abs().max().item<double>();
  EXPECT_NEAR(values.mean().item<double>(), 0.0, 6 * deviation / std::sqrt(n)) << key;
  EXPECT_NEAR(values.square().mean().sqrt().item<double>() / deviation, 1.0, 6 / std::sqrt(2 * n))
      << key;
  if (uniform) {
    EXPECT_LE(most, expected.value) << key;
  } else if (n > 1000) {
    EXPECT_GT(most, 2.5 * deviation) << key;  // a uniform distribution does not reach that
  }
}

std::unique_ptr<Model> Build(const std::string& name) {
  ModelSpec spec;
  spec.name = name;
  spec.num_classes = 50;
  spec.num_frames = 8;
  spec.height = spec.width = 64;
  auto model = BuildModel(spec);
  EXPECT_TRUE(model.ok()) << model.status();
  return std::move(*model);
}

TEST(InitialisationTest, TransformersStartAsHuggingFaces) {
  for (const char* name : {"video_vit_nano", "timesformer_base", "whisper_nano"}) {
    SCOPED_TRACE(name);
    for (const NamedTensor& named : Parameters(*Build(name))) {
      ExpectDrawn(named.name, named.tensor, OfTransformer(named.name, named.tensor));
    }
  }
}

TEST(InitialisationTest, ConvolutionalNetworksStartAsTorchvisionsAndMmactions) {
  for (const char* name : {"r3d_nano", "mc3_18", "r2plus1d_18", "slowonly_r50", "posec3d"}) {
    SCOPED_TRACE(name);
    for (const NamedTensor& named : Parameters(*Build(name))) {
      ExpectDrawn(named.name, named.tensor, OfConvNet(named.name, named.tensor));
    }
  }
}

// The head starts as torch.nn.Linear: weight and bias uniform within 1 / sqrt(inputs).
TEST(InitialisationTest, PerFrameNetworksHaveTorchsOwnHead) {
  for (const NamedTensor& named : Parameters(*Build("resnet18"))) {
    const bool head = named.name.starts_with("fc.");
    ExpectDrawn(named.name, named.tensor,
                head ? Expected{Draw::kUniform, 1.0 / std::sqrt(512.0)}
                     : OfConvNet(named.name, named.tensor));
  }
}

TEST(InitialisationTest, EachSeedAndKeyDrawsOtherWeights) {
  ModelSpec spec;
  spec.name = "video_vit_nano";
  const auto first = BuildModel(spec), same = BuildModel(spec);
  spec.seed = 1;
  const auto other = BuildModel(spec);
  const auto query = [](const absl::StatusOr<std::unique_ptr<Model>>& model, int layer) {
    const std::string key =
        "videomae.encoder.layer." + std::to_string(layer) + ".attention.attention.query.weight";
    for (const NamedTensor& named : Parameters(**model)) {
      if (named.name == key) return named.tensor.detach();
    }
    ADD_FAILURE() << key;
    return at::Tensor();
  };
  EXPECT_TRUE(query(first, 0).equal(query(same, 0)));
  EXPECT_FALSE(query(first, 0).equal(query(other, 0)));
  EXPECT_FALSE(query(first, 0).equal(query(first, 1)));
}

}  // namespace
}  // namespace slimreel
