// Convolutional networks against plain PyTorch in float64; see models/testing/parity.h.
#include <gtest/gtest.h>

#include "models/losses/cross_entropy.h"
#include "models/rgb/frame_resnet.h"
#include "models/rgb/inflated_resnet.h"
#include "models/rgb/r3d.h"
#include "models/testing/parity.h"

namespace slimreel {
namespace {

using Stages = std::vector<std::unique_ptr<Stage>>;

ModelSpec SmallSpec() {
  ModelSpec spec;
  spec.num_classes = 5;
  spec.num_frames = 3;
  spec.dtype = at::kDouble;
  return spec;
}

Stages SmallR3d(VideoConv first, VideoConv others, int64_t stem_middle) {
  R3dConfig config;
  config.stem_width = 4;
  config.stem_middle = stem_middle;
  config.layers = {{4, 1, 1, first}, {6, 2, 2, others}, {8, 1, 2, others}, {10, 1, 2, others}};
  return MakeR3dStages(config, SmallSpec());
}

Stages SmallSlowOnly() {
  InflatedResNetConfig config = SlowOnlyR50();
  config.base = 4;
  config.layers = {{2, false, 1, 1}, {1, true, 2, 1}, {2, true, 2, 1}};
  return MakeInflatedResNetStages(config, {.num_classes = 5, .dropout = 0.0},
                                  {.dtype = at::kDouble});
}

Stages SmallResNet(bool bottleneck, TemporalPooling pooling) {
  ModelSpec spec = SmallSpec();
  spec.temporal_pooling = pooling;
  return MakeFrameResNetStages({4, bottleneck, {2, 1, 1}}, spec);
}

using Make = Stages (*)();
struct NamedNetwork {
  const char* fixture;
  Make make;
};

class ConvParityTest : public testing::TestWithParam<NamedNetwork> {};

// Plain and lean, training and evaluation.
TEST_P(ConvParityTest, EqualsTheReference) {
  const nlohmann::json fixture =
      ReadFixture(std::string("models/rgb/testdata/") + GetParam().fixture + ".json");
  for (const bool lean : {false, true}) {
    for (const char* mode : {"train", "eval"}) {
      SCOPED_TRACE(testing::Message() << mode << " lean " << lean);
      CrossEntropy loss(fixture["label_smoothing"], fixture["class_weights"]);
      const Stages stages = GetParam().make();
      ExpectParity({fixture, stages, loss}, mode, 1e-11, lean);
    }
  }
}

constexpr auto kCube = VideoConv::kCube;
constexpr auto kFactorised = VideoConv::kFactorised;

INSTANTIATE_TEST_SUITE_P(
    Networks, ConvParityTest,
    testing::Values(
        NamedNetwork{"r3d", [] { return SmallR3d(kCube, kCube, 0); }},
        NamedNetwork{"mc3", [] { return SmallR3d(kCube, VideoConv::kFlat, 0); }},
        NamedNetwork{"r2plus1d", [] { return SmallR3d(kFactorised, kFactorised, 3); }},
        NamedNetwork{"slowonly", SmallSlowOnly},
        NamedNetwork{"resnet_basic", [] { return SmallResNet(false, TemporalPooling::kMean); }},
        NamedNetwork{"resnet_attention",
                     [] { return SmallResNet(true, TemporalPooling::kAttention); }},
        NamedNetwork{"resnet_lstm", [] { return SmallResNet(true, TemporalPooling::kLstm); }}),
    [](const auto& named) { return std::string(named.param.fixture); });

}  // namespace
}  // namespace slimreel
