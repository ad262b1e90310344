#include "models/rgbpose/rgbpose_conv3d.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/equal.h>
#include <gtest/gtest.h>

#include "models/losses/two_stream.h"
#include "models/rgbpose/laterals.h"
#include "models/testing/parity.h"

namespace slimreel {
namespace {

using Stages = std::vector<std::unique_ptr<Stage>>;

Stages SmallNetwork(StreamFusion fusion, at::ScalarType dtype = at::kDouble) {
  ModelSpec spec;
  spec.num_classes = 5;
  spec.dropout = 0.0;
  spec.fusion = fusion;
  spec.dtype = dtype;
  // Base 8, because the width of cross attention must be a multiple of 16.
  return MakeRgbPoseStages(MakeRgbPoseConfig(5, 8, {1, 1, 2, 1}, {1, 2, 1}), spec);
}

TEST(RgbPoseConv3dTest, EqualsTheReferenceInBothPrecisionsModesAndForms) {
  ExpectParity("models/rgbpose/testdata/rgbposeconv3d.json", [](const nlohmann::json& fixture,
                                                                at::ScalarType dtype) {
    return ParityChain{SmallNetwork(StreamFusion::kLateral, dtype),
                       std::make_unique<TwoStreamLoss>(std::array<double, 2>{1.0, 1.0},
                                                       fixture["label_smoothing"].get<double>(),
                                                       fixture["class_weights"])};
  });
}

Tensors Logits(const Stages& stages) {
  StageContext context;
  context.training = true;
  Tensors slots{FormulaTensor("input", {2, 3, 2, 32, 48}),
                FormulaTensor("input 1", {2, 5, 8, 8, 12})};
  for (const auto& stage : stages) slots = stage->Forward(context, slots);
  return slots;
}

// Both models have the keys of the plain one, so the formula gives these equal weights.
TEST(RgbPoseConv3dTest, CrossAttentionAtGateZeroIsThePlainModel) {
  const Stages plain = SmallNetwork(StreamFusion::kLateral);
  const Stages fused = SmallNetwork(StreamFusion::kCrossAttention);
  EXPECT_EQ(fused.size(), plain.size() + 2);
  RandomiseByFormula(plain);
  RandomiseByFormula(fused);
  const Tensors expected = Logits(plain);
  const Tensors open = Logits(fused);
  EXPECT_FALSE(at::equal(open[0], expected[0]));
  EXPECT_FALSE(at::equal(open[1], expected[1]));
  int gates = 0;
  for (const auto& stage : fused) {
    for (const NamedTensor& named : stage->parameters()) {
      if (!named.name.ends_with(".gate")) continue;
      named.tensor.detach().zero_();
      ++gates;
    }
  }
  EXPECT_EQ(gates, 4);
  const Tensors closed = Logits(fused);
  EXPECT_TRUE(at::equal(closed[0], expected[0]));
  EXPECT_TRUE(at::equal(closed[1], expected[1]));
}

struct LateralsUnderTest {
  LateralsUnderTest() : laterals(Shape(), {.dtype = at::kDouble}) {}
  static LateralsShape Shape() {
    LateralsShape shape;
    shape.name = "laterals1";
    shape.rgb = {{.norm = {"rgb.bn", 8}}, "rgb_lateral", 4};
    shape.pose = {{.norm = {"pose.bn", 4}}, "pose_lateral", 2};
    shape.drop_path = 0.5;
    return shape;
  }
  Tensors Forward(int64_t step, int64_t first_position, bool training) {
    StageContext context;
    context.seed = 7;
    context.step = step;
    context.first_position = first_position;
    context.training = training;
    return laterals.Forward(
        context, {FormulaTensor("rgb", {2, 8, 2, 3, 3}), FormulaTensor("pose", {2, 4, 8, 3, 3})});
  }
  Laterals laterals;
};

bool IsZero(const at::Tensor& x) { return x.abs().max().item<double>() == 0.0; }

TEST(LateralsTest, LateralsConvertTheFrameRateBothWays) {
  LateralsUnderTest under_test;
  const Tensors out = under_test.Forward(0, 0, false);
  EXPECT_EQ(out[1].sizes(), at::IntArrayRef({2, 4, 2, 3, 3}));
  EXPECT_EQ(out[3].sizes(), at::IntArrayRef({2, 2, 8, 3, 3}));
}

TEST(LateralsTest, DropPathDrawsOncePerBatchAndStreamForAnySplit) {
  LateralsUnderTest under_test;
  int rgb_dropped = 0, pose_dropped = 0, both = 0;
  for (int64_t step = 0; step < 64; ++step) {
    const Tensors first = under_test.Forward(step, 0, true);
    const Tensors second = under_test.Forward(step, 2, true);
    EXPECT_EQ(IsZero(first[1]), IsZero(second[1])) << step;
    EXPECT_EQ(IsZero(first[3]), IsZero(second[3])) << step;
    rgb_dropped += IsZero(first[1]);
    pose_dropped += IsZero(first[3]);
    both += IsZero(first[1]) && IsZero(first[3]);
  }
  // 32 of 64 are expected, with standard deviation 4. The streams draw independently.
  EXPECT_NEAR(rgb_dropped, 32, 20);
  EXPECT_NEAR(pose_dropped, 32, 20);
  EXPECT_LT(both, rgb_dropped);
  EXPECT_FALSE(IsZero(under_test.Forward(0, 0, false)[1]));
}

TEST(LateralsTest, DroppedLateralGetsZeroGradients) {
  LateralsUnderTest under_test;
  int dropped = 0;
  for (int64_t step = 0; step < 16; ++step) {
    const Tensors out = under_test.Forward(step, 0, true);
    out[1].sum().backward();
    for (NamedTensor named : under_test.laterals.parameters()) {
      if (named.name != "rgb_lateral.conv.weight") continue;
      ASSERT_TRUE(named.tensor.grad().defined());
      EXPECT_EQ(IsZero(named.tensor.grad()), IsZero(out[1])) << step;
      named.tensor.mutable_grad().reset();
    }
    dropped += IsZero(out[1]);
  }
  EXPECT_GT(dropped, 0);
  EXPECT_LT(dropped, 16);
}

}  // namespace
}  // namespace slimreel
