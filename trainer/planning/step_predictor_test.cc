// Predictions against steps that really run, for every family of models.
#include "trainer/planning/step_predictor.h"

#include <ATen/ops/from_blob.h>
#include <gtest/gtest.h>

#include <cstring>
#include <limits>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "memory/executor/executor.h"
#include "memory/tracking/cpu_allocator.h"
#include "models/factory/factory.h"
#include "trainer/loop/train_step.h"
#include "trainer/optim/param_groups.h"
#include "trainer/planning/profile_batch.h"
#include "trainer/planning/step_planner.h"

namespace slimreel {
namespace {

constexpr int64_t kBatch = 4;

class Learner {
 public:
  explicit Learner(const std::string& name, std::optional<at::ScalarType> autocast = std::nullopt,
                   int64_t size = 32)
      : autocast_(autocast) {
    ModelSpec spec;
    spec.name = name;
    spec.num_classes = 5;
    spec.num_frames = 8;
    spec.height = spec.width = size;
    spec.audio_frames = 200;
    spec.text_tokens = 12;
    spec.dropout = 0.1;
    model_ = BuildModel(spec).value();
    executor_ = std::make_unique<Executor>(model_->ChainWithLoss());
    std::optional<LossScaleOptions> scale;
    if (autocast == at::kHalf) scale = LossScaleOptions();
    optimizer_ = std::make_unique<Optimizer>(
        TrainOptions(), MakeParamGroups(Parameters(*model_), 0.01, false), scale);
    PredictorOptions options;
    options.norm_group = 1;
    options.autocast = autocast;
    predictor_ = std::make_unique<StepPredictor>(*model_, *optimizer_, options);
    TrainStepOptions step;
    step.norm_group = step.limits.norm_group = 1;
    step.autocast = autocast;
    step_ = std::make_unique<TrainStep>(*model_, executor_.get(), optimizer_.get(), step,
                                        PlanOf(kBatch, "keep"));
  }

  Plan PlanOf(int64_t micro_batch, const std::string& words) const {
    return MakePlan(micro_batch,
                    ParseStageModes(words, executor_->num_scheduled_stages() - 1).value(),
                    executor_->stage_names());
  }

  StepPrediction Predict(const Plan& plan) {
    std::map<int64_t, ChainProfile> profiles;
    for (int64_t size : {plan.micro_batch, kBatch % plan.micro_batch}) {
      if (size == 0) continue;
      profiles[size] = predictor_->Measure(size, plan.schedule, true);
      EXPECT_EQ(profiles[size].unexplained_bytes, 0);
    }
    return predictor_->Predict(
        plan, kBatch, [&](int64_t size) -> const ChainProfile& { return profiles.at(size); });
  }

  // The highest peak of three steps.
  int64_t Measure(const Plan& plan) {
    step_ = nullptr;  // two steps would have their snapshots twice
    TrainStepOptions options;
    options.norm_group = options.limits.norm_group = 1;
    options.autocast = autocast_;
    step_ = std::make_unique<TrainStep>(*model_, executor_.get(), optimizer_.get(), options, plan);
    ResetCpuPeaks();
    for (int64_t n = 0; n < 3; ++n) EXPECT_TRUE(step_->Run(MakeBatch(), n, 1e-3).ok());
    return ReadCpuMemory().peak_live_bytes;
  }

  StepPredictor& predictor() { return *predictor_; }

 private:
  // Inputs outside of the allocator's count, as a loader's are.
  Batch MakeBatch() {
    Batch batch;
    const ProfileBatch zeros = MakeProfileBatch(*model_, kBatch, at::kCPU);
    memory_.clear();
    const auto outside = [&](const at::Tensor& tensor) {
      memory_.push_back(std::make_unique<char[]>(tensor.nbytes() + 64));
      void* data = memory_.back().get();
      size_t space = tensor.nbytes() + 64;
      data = std::align(64, tensor.nbytes(), data, space);
      std::memset(data, 0, tensor.nbytes());
      return at::from_blob(data, tensor.sizes(), tensor.options());
    };
    for (size_t n = 0; n < model_->inputs.size(); ++n) {
      const at::Tensor input = outside(zeros.inputs[n]);
      switch (model_->inputs[n].kind) {
        case InputKind::kFrames:
          batch.clips = input;
          break;
        case InputKind::kKeypoints:
          batch.keypoints = input;
          break;
        case InputKind::kLogMel:
          batch.log_mel = input;
          break;
        case InputKind::kTokens:
          batch.tokens = input;
          break;
      }
    }
    batch.labels = outside(zeros.targets[0]);
    return batch;
  }

  std::optional<at::ScalarType> autocast_;
  std::unique_ptr<Model> model_;
  std::unique_ptr<Executor> executor_;
  std::unique_ptr<Optimizer> optimizer_;
  std::unique_ptr<StepPredictor> predictor_;
  std::unique_ptr<TrainStep> step_;
  std::vector<std::unique_ptr<char[]>> memory_;
};

class StepPredictorTest : public testing::TestWithParam<std::string> {};

TEST_P(StepPredictorTest, ThePeakOfAStepIsPredictedToTheByte) {
  Learner learner(GetParam());
  for (const char* words : {"keep", "lean", "every:2", "checkpoint"}) {
    for (int64_t micro_batch : {4, 3, 1}) {
      const Plan plan = learner.PlanOf(micro_batch, words);
      const StepPrediction predicted = learner.Predict(plan);
      EXPECT_EQ(predicted.peak_bytes, learner.Measure(plan))
          << micro_batch << " " << words << ", activations "
          << At(predicted.by_tag, MemoryTag::kActivations);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Models, StepPredictorTest,
                         testing::Values("r3d_nano", "video_vit_nano", "posec3d_nano",
                                         "rgbposeconv3d_nano", "whisper_nano"));

TEST(StepPlannerTest, ThePlanFitsAndItsPeakFallsWithTheBudget) {
  Learner learner("video_vit_nano", std::nullopt, /*size=*/112);
  PlanningTerms terms;
  terms.configured = learner.PlanOf(kBatch, "keep");
  terms.effective_batch = kBatch;
  terms.min_micro_batch = 1;
  terms.budget_bytes = int64_t{1} << 40;
  const auto free = PlanSteps(learner.predictor(), terms);
  ASSERT_TRUE(free.ok()) << free.status();
  const int64_t top = learner.Predict(terms.configured).peak_bytes;
  const int64_t bottom = free->smallest_budget_bytes;
  ASSERT_LT(bottom, top);
  int64_t last = std::numeric_limits<int64_t>::max();
  for (int n = 0; n <= 20; ++n) {
    terms.budget_bytes = top - (top - bottom) * n / 20;
    const auto planned = PlanSteps(learner.predictor(), terms);
    ASSERT_TRUE(planned.ok()) << n << ": " << planned.status();
    EXPECT_LE(planned->prediction.peak_bytes, terms.budget_bytes);
    EXPECT_EQ(planned->prediction.peak_bytes, learner.Measure(planned->plan)) << n;
    EXPECT_LE(planned->prediction.peak_bytes, last);
    last = planned->prediction.peak_bytes;
  }
  terms.budget_bytes = bottom - 1;
  const auto none = PlanSteps(learner.predictor(), terms);
  ASSERT_FALSE(none.ok());
  EXPECT_NE(none.status().message().find(std::to_string(bottom)), absl::string_view::npos)
      << none.status();
}

}  // namespace
}  // namespace slimreel
