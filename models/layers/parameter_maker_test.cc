#include "models/layers/parameter_maker.h"

#include <ATen/ops/equal.h>
#include <gtest/gtest.h>

#include <cmath>

namespace slimreel {
namespace {

TEST(ParameterMakerTest, WeightsDependOnlyOnSeedAndKey) {
  StageState a, b, c;
  ParameterMaker first({5}, &a);
  ParameterMaker second({5}, &b);
  ParameterMaker other({6}, &c);
  const at::Tensor x = first.Normal("x", {4, 9}, 1.0);
  const at::Tensor y = first.Normal("y", {4, 9}, 1.0);
  EXPECT_TRUE(at::equal(second.Normal("y", {4, 9}, 1.0), y));
  EXPECT_TRUE(at::equal(second.Normal("x", {4, 9}, 1.0), x));
  EXPECT_FALSE(at::equal(x, y));
  EXPECT_FALSE(at::equal(other.Normal("x", {4, 9}, 1.0), x));
}

TEST(ParameterMakerTest, BothPrecisionsStartFromTheSameNumbers) {
  StageState a, b;
  const at::Tensor single = ParameterMaker({1, at::kFloat}, &a).Normal("x", {100}, 0.5);
  const at::Tensor twice = ParameterMaker({1, at::kDouble}, &b).Normal("x", {100}, 0.5);
  EXPECT_TRUE(at::equal(single.detach().to(at::kDouble), twice.detach()));
}

TEST(ParameterMakerTest, KaimingFanOutHasItsStandardDeviation) {
  StageState made;
  ParameterMaker make({1, at::kFloat}, &made);
  const at::Tensor weight = make.KaimingNormalFanOut("x", {64, 32, 3, 3, 3});
  EXPECT_NEAR(weight.std().item<double>(), std::sqrt(2.0 / (64 * 27)), 5e-4);
  EXPECT_NEAR(weight.mean().item<double>(), 0.0, 1e-3);
}

TEST(ParameterMakerTest, RegistersTheVeryTensor) {
  StageState made;
  ParameterMaker make({1, at::kFloat}, &made);
  const at::Tensor x = make.Constant("x", {2}, 1.0);
  ASSERT_EQ(made.parameters.size(), 1u);
  EXPECT_TRUE(made.parameters[0].tensor.is_same(x));
  EXPECT_TRUE(x.requires_grad());
  EXPECT_FALSE(make.ConstantBuffer("b", {2}, 1.0).requires_grad());
}

}  // namespace
}  // namespace slimreel
