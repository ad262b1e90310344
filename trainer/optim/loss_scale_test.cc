#include "trainer/optim/loss_scale.h"

#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>

#include <limits>

#include "trainer/optim/optimizer.h"

namespace slimreel {
namespace {

TEST(LossScaleTest, GradientsOfTheScaledLossAreDividedExactly) {
  LossScale scale({.initial = 1024.0}, at::kCPU);
  const std::vector<at::Tensor> gradients{at::tensor({1.5f, -2.25f}).mul_(1024), at::ones({3})};
  scale.Unscale(gradients);
  EXPECT_TRUE(at::equal(gradients[0], at::tensor({1.5f, -2.25f})));
  EXPECT_TRUE(at::equal(gradients[1], at::full({3}, 1.0 / 1024)));
  EXPECT_EQ(scale.found_inf().item<float>(), 0.0f);
}

TEST(LossScaleTest, OverflowHalvesTheScaleAndStepsWithoutDoubleIt) {
  LossScale scale({.initial = 8.0, .growth_interval = 3}, at::kCPU);
  for (const float bad :
       {std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN()}) {
    const float before = scale.scale().item<float>();
    scale.Unscale({at::tensor({1.0f, bad})});
    EXPECT_EQ(scale.found_inf().item<float>(), 1.0f);
    scale.Update();
    EXPECT_EQ(scale.scale().item<float>(), before / 2);
  }
  for (const float expected : {2.0f, 2.0f, 4.0f}) {
    scale.Unscale({at::ones({2})});
    scale.Update();
    EXPECT_EQ(scale.scale().item<float>(), expected);
  }
}

TEST(LossScaleTest, StateRestoresScaleAndGrowth) {
  LossScale from({.initial = 8.0, .growth_interval = 2}, at::kCPU);
  from.Unscale({at::ones({1})});
  from.Update();
  LossScale to({.growth_interval = 2}, at::kCPU);
  const std::vector<NamedTensor> state = from.State();
  for (size_t i = 0; i < state.size(); ++i) {
    at::Tensor target = to.State()[i].tensor;
    target.copy_(state[i].tensor);
  }
  for (LossScale* scale : {&from, &to}) {
    scale->Unscale({at::ones({1})});
    scale->Update();
    EXPECT_EQ(scale->scale().item<float>(), 16.0f);
  }
}

TEST(LossScaleTest, OptimizersSkipAStepWithOverflowAndGoOn) {
  for (const OptimizerKind kind :
       {OptimizerKind::kSgd, OptimizerKind::kAdam, OptimizerKind::kAdamW}) {
    at::Tensor weight = at::ones({4}).requires_grad_();
    at::Tensor unscaled = at::ones({4}).requires_grad_();
    const auto groups = [](const at::Tensor& w) {
      return std::vector<ParamGroup>{{.parameters = {{"w", w}}, .weight_decay = 0.1}};
    };
    TrainOptions options;
    options.optimizer = kind;
    Optimizer optimizer(options, groups(weight), LossScaleOptions{.initial = 4.0});
    Optimizer reference(options, groups(unscaled));
    const auto step = [](Optimizer& optimizer, at::Tensor& w, float gradient) {
      w.mutable_grad() = at::full({4}, gradient);
      optimizer.GlobalNormClip(1.0);
      optimizer.Step(0.5);
      optimizer.ZeroGrad();
    };
    step(optimizer, weight, 4 * 3.0f);
    step(optimizer, weight, std::numeric_limits<float>::infinity());
    EXPECT_EQ(optimizer.FoundInf().item<float>(), 1.0f);
    EXPECT_EQ(optimizer.LossGradient().item<float>(), 2.0f);
    step(optimizer, weight, 2 * -1.0f);
    for (const float gradient : {3.0f, -1.0f}) step(reference, unscaled, gradient);
    EXPECT_TRUE(at::equal(weight, unscaled));
    for (size_t i = 0; i < reference.State().size(); ++i) {
      EXPECT_TRUE(at::equal(optimizer.State()[i].tensor, reference.State()[i].tensor))
          << reference.State()[i].name;
    }
  }
}

}  // namespace
}  // namespace slimreel
