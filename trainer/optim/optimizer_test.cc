// The kernels are compared with their papers' formulas written out in double.
#include "trainer/optim/optimizer.h"

#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>

#include <cmath>
#include <vector>

#include "gtest/gtest.h"

namespace slimreel {
namespace {

struct Reference {
  std::vector<double> weight;
  std::vector<double> first;
  std::vector<double> second;
};

// Kingma & Ba, algorithm 1; decoupled decay after Loshchilov & Hutter, algorithm 2.
void AdamByHand(Reference& r, const std::vector<double>& gradient, int64_t t, double lr,
                double decay, bool decoupled, const TrainOptions& o) {
  for (size_t i = 0; i < gradient.size(); ++i) {
    double g = gradient[i];
    if (decoupled) {
      r.weight[i] -= lr * decay * r.weight[i];
    } else {
      g += decay * r.weight[i];
    }
    r.first[i] = o.betas[0] * r.first[i] + (1 - o.betas[0]) * g;
    r.second[i] = o.betas[1] * r.second[i] + (1 - o.betas[1]) * g * g;
    const double m_hat = r.first[i] / (1 - std::pow(o.betas[0], t));
    const double v_hat = r.second[i] / (1 - std::pow(o.betas[1], t));
    r.weight[i] -= lr * m_hat / (std::sqrt(v_hat) + o.eps);
  }
}

void SgdByHand(Reference& r, const std::vector<double>& gradient, double lr, double decay,
               const TrainOptions& o) {
  for (size_t i = 0; i < gradient.size(); ++i) {
    r.first[i] = o.momentum * r.first[i] + gradient[i] + decay * r.weight[i];
    r.weight[i] -= lr * r.first[i];
  }
}

constexpr int kSize = 37;  // not a multiple of a vector register's width

std::vector<double> GradientAt(int step) {
  std::vector<double> gradient(kSize);
  for (int i = 0; i < kSize; ++i) gradient[i] = std::sin(1.7 * i + 0.9 * step) * (1 + 0.1 * i);
  return gradient;
}

at::Tensor Leaf(const std::vector<double>& values, at::ScalarType dtype) {
  return at::tensor(values, at::TensorOptions().dtype(dtype)).set_requires_grad(true);
}

struct Case {
  OptimizerKind kind;
  at::ScalarType dtype;
  double tolerance;
};

class OptimizerFormulaTest : public ::testing::TestWithParam<Case> {};

TEST_P(OptimizerFormulaTest, TenStepsFollowThePaper) {
  TrainOptions options;
  options.optimizer = GetParam().kind;
  std::vector<double> initial(kSize);
  for (int i = 0; i < kSize; ++i) initial[i] = std::cos(0.3 * i);
  Reference reference{initial, std::vector<double>(kSize, 0.0), std::vector<double>(kSize, 0.0)};
  const at::Tensor weight = Leaf(initial, GetParam().dtype);
  Optimizer optimizer(options, {{.parameters = {{"w", weight}}, .weight_decay = 0.05}});
  for (int step = 0; step < 10; ++step) {
    const double lr = 0.01 / (1 + step);
    weight.mutable_grad() =
        at::tensor(GradientAt(step), at::TensorOptions().dtype(GetParam().dtype));
    optimizer.Step(lr);
    optimizer.ZeroGrad();
    if (options.optimizer == OptimizerKind::kSgd) {
      SgdByHand(reference, GradientAt(step), lr, 0.05, options);
    } else {
      AdamByHand(reference, GradientAt(step), step + 1, lr, 0.05,
                 options.optimizer == OptimizerKind::kAdamW, options);
    }
  }
  const at::Tensor actual = weight.detach().to(at::kDouble);
  for (int i = 0; i < kSize; ++i) {
    EXPECT_NEAR(actual.data_ptr<double>()[i], reference.weight[i], GetParam().tolerance) << i;
  }
}

INSTANTIATE_TEST_SUITE_P(Kinds, OptimizerFormulaTest,
                         ::testing::Values(Case{OptimizerKind::kAdamW, at::kDouble, 1e-13},
                                           Case{OptimizerKind::kAdam, at::kDouble, 1e-13},
                                           Case{OptimizerKind::kSgd, at::kDouble, 1e-13},
                                           Case{OptimizerKind::kAdamW, at::kFloat, 2e-6},
                                           Case{OptimizerKind::kAdam, at::kFloat, 2e-6},
                                           Case{OptimizerKind::kSgd, at::kFloat, 2e-6}));

TEST(OptimizerTest, StateExistsBeforeTheFirstStepUnderStableNames) {
  Optimizer optimizer({}, {{.parameters = {{"head.weight", Leaf({1, 2}, at::kFloat)}}}});
  ASSERT_EQ(optimizer.State().size(), 3u);
  EXPECT_EQ(optimizer.State()[0].name, "head.weight.exp_avg");
  EXPECT_EQ(optimizer.State()[1].name, "head.weight.exp_avg_sq");
  EXPECT_EQ(optimizer.State()[2].name, "head.weight.step");
  EXPECT_EQ(optimizer.StateBytes(), 2 * 8 + 4);
}

TEST(OptimizerTest, SgdWithoutMomentumKeepsNoStateAndStillSteps) {
  const at::Tensor weight = Leaf({1.0}, at::kDouble);
  TrainOptions options;
  options.optimizer = OptimizerKind::kSgd;
  options.momentum = 0.0;
  Optimizer optimizer(options, {{.parameters = {{"w", weight}}}});
  EXPECT_TRUE(optimizer.State().empty());
  weight.mutable_grad() = at::full({1}, 2.0, at::kDouble);
  optimizer.Step(0.25);
  EXPECT_DOUBLE_EQ(weight.item<double>(), 0.5);
}

TEST(OptimizerTest, AParameterWithoutGradientStaysUntouched) {
  const at::Tensor used = Leaf({1.0}, at::kDouble);
  const at::Tensor unused = Leaf({3.0}, at::kDouble);
  Optimizer optimizer({},
                      {{.parameters = {{"used", used}, {"unused", unused}}, .weight_decay = 0.5}});
  used.mutable_grad() = at::full({1}, 2.0, at::kDouble);
  optimizer.Step(0.1);
  EXPECT_DOUBLE_EQ(unused.item<double>(), 3.0);
  EXPECT_EQ(optimizer.State()[5].tensor.item<double>(), 0.0);
  EXPECT_EQ(optimizer.State()[2].tensor.item<double>(), 1.0);
}

TEST(OptimizerTest, ClippingScalesByTheGlobalNormAndReportsItUnclipped) {
  const at::Tensor a = Leaf({0.0, 0.0}, at::kDouble);
  const at::Tensor b = Leaf({0.0}, at::kDouble);
  Optimizer optimizer({}, {{.parameters = {{"a", a}}}, {.parameters = {{"b", b}}}});
  a.mutable_grad() = at::tensor(std::vector<double>{3.0, 0.0}, at::kDouble);
  b.mutable_grad() = at::tensor(std::vector<double>{4.0}, at::kDouble);
  EXPECT_DOUBLE_EQ(optimizer.GlobalNormClip(1.0).item<double>(), 5.0);
  EXPECT_NEAR(a.grad()[0].item<double>(), 3.0 / (5.0 + 1e-6), 1e-15);
  EXPECT_NEAR(b.grad()[0].item<double>(), 4.0 / (5.0 + 1e-6), 1e-15);
}

TEST(OptimizerTest, ClippingUnderTheBoundChangesNoBit) {
  const at::Tensor a = Leaf({0.0, 0.0}, at::kFloat);
  Optimizer optimizer({}, {{.parameters = {{"a", a}}}});
  const at::Tensor gradient = at::tensor(std::vector<double>{0.1, 0.3}, at::kFloat);
  a.mutable_grad() = gradient.clone();
  optimizer.GlobalNormClip(100.0);
  EXPECT_TRUE(at::equal(a.grad(), gradient));
}

TEST(ParamGroupsTest, NormsAndBiasesAreExemptFromDecayOnlyWhenAsked) {
  const std::vector<NamedTensor> parameters = {
      {"w", at::zeros({2, 2}).set_requires_grad(true)},
      {"b", at::zeros({2}).set_requires_grad(true)},
  };
  EXPECT_EQ(MakeParamGroups(parameters, 0.1, false).size(), 1u);
  const auto groups = MakeParamGroups(parameters, 0.1, true);
  ASSERT_EQ(groups.size(), 2u);
  EXPECT_EQ(groups[0].parameters[0].name, "w");
  EXPECT_EQ(groups[0].weight_decay, 0.1);
  EXPECT_EQ(groups[1].parameters[0].name, "b");
  EXPECT_EQ(groups[1].weight_decay, 0.0);
}

TEST(ParamGroupsTest, FrozenParametersGetNoGroupAndUnknownPrefixesAreNamed) {
  const std::vector<NamedTensor> parameters = {{"stem.w", at::zeros({2})},
                                               {"head.w", at::zeros({2})}};
  ASSERT_EQ(*FreezeParameters(parameters, {"stem"}), 1);
  const auto groups = MakeParamGroups(parameters, 0.1, false);
  ASSERT_EQ(groups.size(), 1u);
  ASSERT_EQ(groups[0].parameters.size(), 1u);
  EXPECT_EQ(groups[0].parameters[0].name, "head.w");
  const auto unknown = FreezeParameters(parameters, {"stme", "head.v"});
  ASSERT_FALSE(unknown.ok());
  for (const char* part : {"did you mean stem?", "did you mean head.w?", "with: head, stem"}) {
    EXPECT_NE(unknown.status().message().find(part), std::string::npos) << unknown.status();
  }
  EXPECT_FALSE(FreezeParameters(parameters, {"stem", "head"}).ok());
}

}  // namespace
}  // namespace slimreel
