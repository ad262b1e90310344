// Compares the convolutional networks with plain PyTorch; see models/testing/parity.h.
#include <gtest/gtest.h>

#include "models/losses/cross_entropy.h"
#include "models/rgb/frame_resnet.h"
#include "models/rgb/inflated_resnet.h"
#include "models/rgb/r3d.h"
#include "models/testing/parity.h"

namespace slimreel {
namespace {

using Stages = std::vector<std::unique_ptr<Stage>>;

ModelSpec SmallSpec(at::ScalarType dtype) {
  ModelSpec spec;
  spec.num_classes = 5;
  spec.num_frames = 3;
  spec.dtype = dtype;
  return spec;
}

Stages SmallR3d(VideoConv first, VideoConv others, int64_t stem_middle, at::ScalarType dtype) {
  R3dConfig config;
  config.stem_width = 4;
  config.stem_middle = stem_middle;
  config.layers = {{4, 1, 1, first}, {6, 2, 2, others}, {8, 1, 2, others}, {10, 1, 2, others}};
  return MakeR3dStages(config, SmallSpec(dtype));
}

Stages SmallSlowOnly(at::ScalarType dtype) {
  InflatedResNetConfig config = SlowOnlyR50();
  config.base_channels = 4;
  config.layers = {{2, false, 1, 1}, {1, true, 2, 1}, {2, true, 2, 1}};
  return MakeInflatedResNetStages(
      config, {.num_classes = 5, .dropout = 0.0, .parameters = {.dtype = dtype}});
}

Stages SmallResNet(bool bottleneck, TemporalPooling pooling, at::ScalarType dtype) {
  ModelSpec spec = SmallSpec(dtype);
  spec.temporal_pooling = pooling;
  return MakeFrameResNetStages({4, bottleneck, {2, 1, 1}}, spec);
}

using Make = Stages (*)(at::ScalarType dtype);
struct NamedNetwork {
  const char* fixture;
  Make make;
};

class ConvParityTest : public testing::TestWithParam<NamedNetwork> {};

TEST_P(ConvParityTest, EqualsTheReferenceInBothPrecisionsModesAndForms) {
  ExpectParity(std::string("models/rgb/testdata/") + GetParam().fixture + ".json",
               [](const nlohmann::json& fixture, at::ScalarType dtype) {
                 return ParityChain{
                     GetParam().make(dtype),
                     std::make_unique<CrossEntropy>(fixture["label_smoothing"].get<double>(),
                                                    fixture["class_weights"])};
               });
}

constexpr auto kCube = VideoConv::kCube;
constexpr auto kFactorised = VideoConv::kFactorised;

INSTANTIATE_TEST_SUITE_P(
    Networks, ConvParityTest,
    testing::Values(
        NamedNetwork{"r3d", [](at::ScalarType dtype) { return SmallR3d(kCube, kCube, 0, dtype); }},
        NamedNetwork{
            "mc3",
            [](at::ScalarType dtype) { return SmallR3d(kCube, VideoConv::kFlat, 0, dtype); }},
        NamedNetwork{
            "r2plus1d",
            [](at::ScalarType dtype) { return SmallR3d(kFactorised, kFactorised, 3, dtype); }},
        NamedNetwork{"slowonly", SmallSlowOnly},
        NamedNetwork{
            "resnet_basic",
            [](at::ScalarType dtype) { return SmallResNet(false, TemporalPooling::kMean, dtype); }},
        NamedNetwork{"resnet_attention",
                     [](at::ScalarType dtype) {
                       return SmallResNet(true, TemporalPooling::kAttention, dtype);
                     }},
        NamedNetwork{
            "resnet_lstm",
            [](at::ScalarType dtype) { return SmallResNet(true, TemporalPooling::kLstm, dtype); }}),
    [](const auto& named) { return std::string(named.param.fixture); });

}  // namespace
}  // namespace slimreel
