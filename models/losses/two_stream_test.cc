#include "models/losses/two_stream.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>

namespace slimreel {
namespace {

TEST(TwoStreamLossTest, IsTheWeightedSumOfBothHeadsAndCountsTheLabelsOnce) {
  const Tensors targets{at::tensor({2, -1, 0}, at::kLong)};
  const at::Tensor rgb = at::arange(9, at::kDouble).mul(0.7).cos().view({3, 3});
  const at::Tensor pose = at::arange(9, at::kDouble).mul(1.9).sin().view({3, 3});
  TwoStreamLoss loss({0.5, 2.0}, 0.1, {1.0, 0.5, 2.0});
  CrossEntropy one(0.1, {1.0, 0.5, 2.0});
  EXPECT_EQ(loss.ValidWeight(targets), one.ValidWeight(targets));
  StageContext context;
  context.targets = &targets;
  context.loss_denominator = 3.0;
  const double expected = 0.5 * one.Forward(context, {rgb})[0].item<double>() +
                          2.0 * one.Forward(context, {pose})[0].item<double>();
  EXPECT_NEAR(loss.Forward(context, {rgb, pose})[0].item<double>(), expected, 1e-14);
}

}  // namespace
}  // namespace slimreel
