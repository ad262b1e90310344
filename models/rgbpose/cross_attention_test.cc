#include "models/rgbpose/cross_attention.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/equal.h>
#include <gtest/gtest.h>

#include "models/testing/parity.h"

namespace slimreel {
namespace {

struct Fused {
  Fused() {
    stages.push_back(std::make_unique<CrossAttention>(
        CrossAttentionShape{.name = "x", .rgb_channels = 6, .pose_channels = 5, .width = 32},
        ParameterOptions{.dtype = at::kDouble}));
    in = {FormulaTensor("rgb", {2, 6, 2, 5, 7}), FormulaTensor("to rgb", {2, 2, 2, 5, 7}),
          FormulaTensor("pose", {2, 5, 8, 4, 4}), FormulaTensor("to pose", {2, 1, 8, 4, 4})};
    for (at::Tensor& slot : in) slot.requires_grad_();
  }
  Tensors Forward() { return stages[0]->Forward({}, in); }
  double Loss() {
    const Tensors out = Forward();
    return (out[0].square().sum() + (out[2] * FormulaTensor("w", out[2].sizes())).sum())
        .item<double>();
  }
  std::vector<std::unique_ptr<Stage>> stages;
  Tensors in;
};

TEST(CrossAttentionTest, GatesStartClosedAndShapesStay) {
  Fused fused;
  const Tensors out = fused.Forward();
  ASSERT_EQ(out.size(), 4u);
  for (size_t slot = 0; slot < out.size(); ++slot)
    EXPECT_TRUE(at::equal(out[slot], fused.in[slot]));
  EXPECT_TRUE(out[1].is_same(fused.in[1]));
  EXPECT_TRUE(out[3].is_same(fused.in[3]));
}

TEST(CrossAttentionTest, EachStreamSeesTheOtherAtAnOpenGate) {
  Fused fused;
  RandomiseByFormula(fused.stages);
  const Tensors before = fused.Forward();
  at::NoGradGuard no_grad;
  fused.in[2] = fused.in[2] * 1.5;
  EXPECT_FALSE(at::equal(fused.Forward()[0], before[0]));
  fused.in[2] = fused.in[2] / 1.5;
  fused.in[0] = fused.in[0] * 1.5;
  EXPECT_FALSE(at::equal(fused.Forward()[2], before[2]));
}

// Compares gradients with central differences along one direction per parameter and input.
TEST(CrossAttentionTest, GradientsAreThoseOfFiniteDifferences) {
  Fused fused;
  RandomiseByFormula(fused.stages);
  const Tensors out = fused.Forward();
  (out[0].square().sum() + (out[2] * FormulaTensor("w", out[2].sizes())).sum()).backward();
  std::vector<NamedTensor> leaves = fused.stages[0]->parameters();
  leaves.push_back({"rgb", fused.in[0]});
  leaves.push_back({"pose", fused.in[2]});
  for (NamedTensor& leaf : leaves) {
    ASSERT_TRUE(leaf.tensor.grad().defined()) << leaf.name;
    const at::Tensor direction = FormulaTensor("direction " + leaf.name, leaf.tensor.sizes());
    const double expected = (leaf.tensor.grad() * direction).sum().item<double>();
    at::NoGradGuard no_grad;
    const double h = 1e-5;
    leaf.tensor.add_(direction, h);
    const double above = fused.Loss();
    leaf.tensor.add_(direction, -2 * h);
    const double below = fused.Loss();
    leaf.tensor.add_(direction, h);
    EXPECT_NEAR((above - below) / (2 * h), expected, 1e-6 * (1 + std::abs(expected))) << leaf.name;
  }
}

}  // namespace
}  // namespace slimreel
