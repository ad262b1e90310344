// Steps at half precision: fp16's loss scale skips overflowing steps, and mixed precision learns.
#include <ATen/ops/equal.h>
#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <optional>
#include <vector>

#include "data/loading/loader.h"
#include "memory/executor/executor.h"
#include "models/factory/factory.h"
#include "trainer/loop/train_step.h"
#include "trainer/optim/optimizer.h"
#include "trainer/optim/param_groups.h"

namespace slimreel {
namespace {

// A model that trains on one synthetic batch.
class Learner {
 public:
  Learner(std::optional<at::ScalarType> autocast, std::optional<LossScaleOptions> loss_scale) {
    ModelSpec spec;
    spec.name = "video_vit_nano";
    spec.num_classes = 3;
    spec.num_frames = 4;
    spec.height = spec.width = 32;
    model_ = std::move(BuildModel(spec).value());
    executor_ = std::make_unique<Executor>(model_->ChainWithLoss());
    optimizer_ = std::make_unique<Optimizer>(
        TrainOptions(), MakeParamGroups(Parameters(*model_), 0.01, false), loss_scale);
    TrainStepOptions step_options;
    step_options.autocast = autocast;
    const std::vector<StageMode> modes(executor_->num_scheduled_stages() - 1, StageMode::kKeep);
    step_ = std::make_unique<TrainStep>(*model_, executor_.get(), optimizer_.get(), step_options,
                                        MakePlan(4, modes, executor_->stage_names()));
    LoaderOptions loader;
    loader.sources = {"synthetic:8"};
    loader.height = loader.width = 32;
    loader.num_frames = 4;
    loader.num_classes = 3;
    loader.batch_size = 8;
    loader.num_workers = 0;
    batch_ = Loader::Open(loader).value()->Next().value();
  }

  StepOutcome Step() { return step_->Run(batch_, step_number_++, 1e-3).value(); }

  Tensors Weights() const {
    Tensors copies;
    for (const NamedTensor& named : Parameters(*model_)) {
      EXPECT_EQ(named.tensor.scalar_type(), at::kFloat) << named.name << ": master weights";
      copies.push_back(named.tensor.detach().clone());
    }
    return copies;
  }

 private:
  std::unique_ptr<Model> model_;
  std::unique_ptr<Executor> executor_;
  std::unique_ptr<Optimizer> optimizer_;
  std::unique_ptr<TrainStep> step_;
  Batch batch_;
  int64_t step_number_ = 0;
};

bool Equal(const Tensors& a, const Tensors& b) {
  for (size_t i = 0; i < a.size(); ++i) {
    if (!at::equal(a[i], b[i])) return false;
  }
  return true;
}

TEST(PrecisionTest, StepsWithInfiniteGradientsAreSkippedUntilTheScaleFits) {
  // The largest fp16 number is 65504, so gradients of a loss scaled by 1e30 are infinite.
  Learner learner(at::kHalf, LossScaleOptions{.initial = 1e30, .backoff_factor = 1e-9});
  const Tensors before = learner.Weights();
  int left_out = 0;
  StepOutcome outcome = learner.Step();
  for (; outcome.found_inf.item<float>() != 0.0f && left_out < 5; outcome = learner.Step()) {
    ++left_out;
    EXPECT_TRUE(Equal(learner.Weights(), before)) << "a skipped step changes no weight";
    EXPECT_TRUE(std::isfinite(outcome.loss.item<double>())) << "the loss itself is not scaled";
  }
  EXPECT_GE(left_out, 1);
  EXPECT_LT(left_out, 5);
  EXPECT_FALSE(Equal(learner.Weights(), before));
  EXPECT_TRUE(std::isfinite(outcome.grad_norm.item<double>()));
}

TEST(PrecisionTest, MixedPrecisionLearnsAsFloat32Does) {
  const auto losses = [](Learner&& learner) {
    std::vector<double> values;
    for (int i = 0; i < 12; ++i) values.push_back(learner.Step().loss.item<double>());
    return values;
  };
  const std::vector<double> exact = losses(Learner(std::nullopt, std::nullopt));
  const std::vector<double> bf16 = losses(Learner(at::kBFloat16, std::nullopt));
  const std::vector<double> fp16 = losses(Learner(at::kHalf, LossScaleOptions()));
  EXPECT_LT(exact.back(), 0.8 * exact.front());
  EXPECT_NE(bf16, exact);
  EXPECT_NE(fp16, exact);
  for (size_t i = 0; i < exact.size(); ++i) {
    EXPECT_NEAR(bf16[i], exact[i], 0.1 * exact.front()) << i;
    EXPECT_NEAR(fp16[i], exact[i], 0.1 * exact.front()) << i;
  }
}

}  // namespace
}  // namespace slimreel
