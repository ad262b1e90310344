// Tests the executor under autocast and with a scaled loss.
#include <ATen/Functions.h>
#include <ATen/autocast_mode.h>
#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "memory/executor/executor.h"
#include "memory/executor/test_chains.h"

namespace slimreel {
namespace {

// Three linear stages and a loss. The third stage uses the first weight again.
struct LinearChain {
  LinearChain() {
    for (int i = 0; i < 2; ++i) {
      weights.push_back(at::arange(64, at::kFloat).mul(0.37 + i).sin().view({8, 8}));
      weights.back().requires_grad_();
    }
    for (const int weight : {0, 1, 0}) {
      stages.push_back(std::make_unique<LambdaStage>(
          "linear" + std::to_string(stages.size()), Tensors{weights[weight]}, std::vector<int>{},
          [this](const StageContext&, const Tensors& parameters, Tensors in) -> Tensors {
            const at::Tensor out = at::linear(in[0], parameters[0]);
            dtypes.push_back(out.scalar_type());
            return {at::tanh(out)};
          }));
    }
    stages.push_back(std::make_unique<LambdaStage>(
        "loss", Tensors{}, std::vector<int>{},
        [](const StageContext&, const Tensors&, Tensors in) -> Tensors {
          return {in[0].to(at::kFloat).square().sum()};
        }));
  }

  std::vector<Stage*> Chain() const {
    std::vector<Stage*> chain;
    for (const auto& stage : stages) chain.push_back(stage.get());
    return chain;
  }

  // Returns the loss, then the gradients.
  Tensors Run(const std::vector<StageMode>& modes, const StageContext& context,
              const at::Tensor& loss_gradient = {}) {
    for (at::Tensor& weight : weights) weight.mutable_grad().reset();
    Executor executor(Chain());
    const at::Tensor input = at::arange(16, at::kFloat).mul(0.11).cos().view({2, 8});
    Tensors result =
        executor.Run(MakeSchedule(modes), context, {input}, /*hooks=*/nullptr, loss_gradient);
    for (at::Tensor& weight : weights) result.push_back(weight.grad());
    return result;
  }

  Tensors weights;
  std::vector<std::unique_ptr<Stage>> stages;
  std::vector<at::ScalarType> dtypes;
};

constexpr StageMode kKeep = StageMode::kKeep;
constexpr StageMode kCheckpoint = StageMode::kCheckpoint;

class AutocastTest : public testing::TestWithParam<at::ScalarType> {};

TEST_P(AutocastTest, RecomputeRunsUnderTheSameAutocastAsTheFirstVisit) {
  LinearChain chain;
  StageContext context;
  context.autocast = GetParam();
  const Tensors kept = chain.Run({kKeep, kKeep, kKeep}, context);
  const Tensors recomputed = chain.Run({kCheckpoint, kCheckpoint, kCheckpoint}, context);
  ASSERT_EQ(chain.dtypes.size(), 3u + 6u);
  for (const at::ScalarType dtype : chain.dtypes) EXPECT_EQ(dtype, GetParam());
  for (size_t i = 0; i < kept.size(); ++i) {
    ASSERT_TRUE(recomputed[i].defined()) << i;
    EXPECT_EQ(recomputed[i].scalar_type(), at::kFloat) << "master weights' gradients stay float32";
    EXPECT_TRUE(at::equal(kept[i], recomputed[i])) << i;
  }
}

TEST_P(AutocastTest, DiffersFromFloat32ByHalfPrecisionsRounding) {
  LinearChain chain;
  const Tensors exact = chain.Run({kKeep, kKeep, kKeep}, StageContext());
  StageContext context;
  context.autocast = GetParam();
  const Tensors half = chain.Run({kKeep, kKeep, kKeep}, context);
  for (size_t i = 0; i < exact.size(); ++i) {
    const double error =
        (half[i] - exact[i]).norm().item<double>() / exact[i].norm().item<double>();
    EXPECT_GT(error, 0.0);
    EXPECT_LT(error, 0.05);
  }
}

TEST_P(AutocastTest, LeavesTheThreadsStateAsItWas) {
  LinearChain chain;
  StageContext context;
  context.autocast = GetParam();
  const at::ScalarType before = at::autocast::get_autocast_dtype(at::kCPU);
  chain.Run({kKeep, kCheckpoint, kKeep}, context);
  EXPECT_FALSE(at::autocast::is_autocast_enabled(at::kCPU));
  EXPECT_TRUE(at::autocast::is_autocast_cache_enabled());
  EXPECT_EQ(at::autocast::get_autocast_dtype(at::kCPU), before);
}

INSTANTIATE_TEST_SUITE_P(HalfPrecision, AutocastTest, testing::Values(at::kHalf, at::kBFloat16),
                         [](const auto& info) { return std::string(c10::toString(info.param)); });

TEST(LossGradientTest, ScalesEveryGradientAndNotTheLoss) {
  LinearChain chain;
  const Tensors plain = chain.Run({kKeep, kKeep, kKeep}, StageContext());
  const at::Tensor scale = at::full({}, 1024.0, at::kFloat);
  const Tensors scaled = chain.Run({kKeep, kCheckpoint, kKeep}, StageContext(), scale);
  EXPECT_TRUE(at::equal(plain[0], scaled[0]));
  for (size_t i = 1; i < plain.size(); ++i) EXPECT_TRUE(at::equal(plain[i] * 1024, scaled[i]));
  EXPECT_EQ(scale.item<float>(), 1024.0f);
}

}  // namespace
}  // namespace slimreel
