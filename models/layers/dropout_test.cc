#include "models/layers/dropout.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/ones.h>
#include <gtest/gtest.h>

namespace slimreel {
namespace {

StageContext At(int64_t step, int64_t first_position) {
  StageContext context;
  context.seed = 7;
  context.step = step;
  context.first_position = first_position;
  context.training = true;
  return context;
}

TEST(DropoutTest, MaskDoesNotDependOnTheSplit) {
  const Dropout dropout("layer.0.dropout", 0.3);
  const DropPath drop_path("layer.0.drop_path", 0.5);
  const at::Tensor x = at::ones({8, 5, 7});
  std::vector<at::Tensor> parts, paths;
  for (int64_t b = 0; b < 8; b += 2) {
    parts.push_back(dropout.Forward(At(3, 100 + b), x.narrow(0, b, 2)));
    paths.push_back(drop_path.Forward(At(3, 100 + b), x.narrow(0, b, 2)));
  }
  EXPECT_TRUE(at::equal(dropout.Forward(At(3, 100), x), at::cat(parts)));
  EXPECT_TRUE(at::equal(drop_path.Forward(At(3, 100), x), at::cat(paths)));
}

TEST(DropoutTest, KernelAndTensorFormDrawTheSameMask) {
  const Dropout dropout("a", 0.25);
  const at::Tensor kernel = dropout.Forward(At(1, 5), at::ones({3, 1000})).ne(0);
  EXPECT_TRUE(at::equal(kernel, KeyedKeepMask(At(1, 5), LayerId("a"), 3, 1000, 0.25, at::kCPU)));
}

TEST(DropoutTest, DropsItsShareAndKeepsTheMean) {
  const at::Tensor out = Dropout("a", 0.25).Forward(At(0, 0), at::ones({10, 100000}));
  const double share = out.eq(0).to(at::kDouble).mean().item<double>();
  EXPECT_NEAR(share, 0.25, 0.0025);  // five standard deviations: 0.0022
  EXPECT_NEAR(out.mean().item<double>(), 1.0, 0.005);
}

TEST(DropoutTest, DiffersByStepLayerPositionAndElement) {
  const at::Tensor x = at::ones({1, 64});
  const at::Tensor one = Dropout("a", 0.5).Forward(At(0, 0), x);
  EXPECT_FALSE(at::equal(one, Dropout("a", 0.5).Forward(At(1, 0), x)));
  EXPECT_FALSE(at::equal(one, Dropout("a", 0.5).Forward(At(0, 1), x)));
  EXPECT_FALSE(at::equal(one, Dropout("b", 0.5).Forward(At(0, 0), x)));
  EXPECT_GT(one.ne(0).sum().item<int64_t>(), 10);
  EXPECT_LT(one.ne(0).sum().item<int64_t>(), 54);
}

TEST(DropoutTest, GradientIsTheMaskAndForwardHasTheSameBitsWithoutGrad) {
  const Dropout dropout("a", 0.4);
  const at::Tensor x = at::ones({4, 50}, at::kDouble).requires_grad_();
  const at::Tensor out = dropout.Forward(At(2, 9), x);
  out.sum().backward();
  EXPECT_TRUE(at::equal(x.grad(), out.detach()));
  at::NoGradGuard no_grad;
  EXPECT_TRUE(at::equal(dropout.Forward(At(2, 9), x), out));
}

TEST(DropoutTest, DoesNothingOutsideOfTraining) {
  StageContext context;
  const at::Tensor x = at::ones({2, 3});
  EXPECT_TRUE(Dropout("a", 0.9).Forward(context, x).is_same(x));
  EXPECT_TRUE(DropPath("a", 0.9).Forward(context, x).is_same(x));
}

}  // namespace
}  // namespace slimreel
