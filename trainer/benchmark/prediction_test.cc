// Predictions against steps that really run, for every family of models.
#include <ATen/ops/equal.h>
#include <gtest/gtest.h>

#include <limits>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "memory/recovery/fits_in_memory.h"
#include "memory/tracking/cpu_allocator.h"
#include "models/chain/model.h"
#include "trainer/benchmark/measured_learner.h"
#include "trainer/planning/step_predictor.h"

namespace slimreel {
namespace {

constexpr int64_t kBatch = 4;

MeasuredLearnerOptions OptionsOf(const std::string& name, int64_t size = 32) {
  MeasuredLearnerOptions options;
  options.effective_batch = kBatch;
  ModelSpec& spec = options.spec;
  spec.name = name;
  spec.num_classes = 5;
  spec.num_frames = 8;
  spec.height = spec.width = size;
  spec.audio_frames = 200;
  spec.text_tokens = 12;
  spec.dropout = 0.1;
  return options;
}

std::unique_ptr<MeasuredLearner> Make(const MeasuredLearnerOptions& options) {
  return MeasuredLearner::Make(options).value();
}

Plan WithMeans(Plan plan, bool release, bool page_optimizer) {
  plan.release = release;
  plan.page_optimizer = page_optimizer;
  return plan;
}

class StepPredictorTest : public testing::TestWithParam<std::string> {};

TEST_P(StepPredictorTest, ThePeakOfAStepIsPredictedToTheByte) {
  const auto learner = Make(OptionsOf(GetParam()));
  int64_t unexplained = 0;
  for (const char* words : {"keep", "lean", "every:2", "checkpoint"}) {
    for (int64_t micro_batch : {4, 3, 1}) {
      const Plan plan = learner->PlanOf(micro_batch, words);
      const StepPrediction predicted = learner->Predict(plan, &unexplained);
      EXPECT_EQ(predicted.peak_bytes, learner->Run(plan, 3).peak_bytes)
          << micro_batch << " " << words << ", activations "
          << At(predicted.by_tag, MemoryTag::kActivations);
    }
  }
  EXPECT_EQ(unexplained, 0);
}

TEST_P(StepPredictorTest, ReleaseAndPagingArePredictedToTheByte) {
  const auto learner = Make(OptionsOf(GetParam()));
  const auto peak = [&](const char* words, bool release, bool page_optimizer) {
    const Plan plan = WithMeans(learner->PlanOf(kBatch, words), release, page_optimizer);
    const StepPrediction predicted = learner->Predict(plan);
    EXPECT_EQ(predicted.peak_bytes, learner->Run(plan, 3).peak_bytes)
        << words << (release ? " release" : "") << (page_optimizer ? " paging" : "");
    EXPECT_EQ(predicted.host_bytes > 0, page_optimizer);
    return predicted.peak_bytes;
  };
  for (const char* words : {"keep", "every:2", "checkpoint"}) {
    for (bool release : {false, true}) {
      EXPECT_LT(peak(words, release, true), peak(words, release, false) + (64 << 20));
    }
  }
}

TEST_P(StepPredictorTest, StageInputsOnTheHostArePredictedToTheByte) {
  const auto learner = Make(OptionsOf(GetParam()));
  for (const char* words : {"every:2", "checkpoint"}) {
    for (int64_t micro_batch : {kBatch, int64_t{1}}) {
      Plan plan = learner->PlanOf(micro_batch, words);
      plan.offload_inputs = true;
      const StepPrediction predicted = learner->Predict(plan);
      EXPECT_EQ(predicted.peak_bytes, learner->Run(plan, 2).peak_bytes) << words << micro_batch;
      EXPECT_GT(predicted.offloaded_bytes, 0) << words << micro_batch;
      EXPECT_EQ(predicted.offloaded_bytes, learner->peak_offloaded_bytes()) << words << micro_batch;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Models, StepPredictorTest,
                         testing::Values("r3d_nano", "video_vit_nano", "posec3d_nano",
                                         "rgbposeconv3d_nano", "whisper_nano"));

TEST(StepPredictorPrecisionTest, HalfAndDoublePrecisionAreAlsoPredictedToTheByte) {
  for (const auto autocast : {at::kBFloat16, at::kHalf}) {
    MeasuredLearnerOptions options = OptionsOf("r3d_nano");
    options.autocast = autocast;
    const auto learner = Make(options);
    const Plan plan = learner->PlanOf(2, "every:2");
    EXPECT_EQ(learner->Predict(plan).peak_bytes, learner->Run(plan, 3).peak_bytes)
        << c10::toString(autocast);
  }
  MeasuredLearnerOptions options = OptionsOf("video_vit_nano");
  options.spec.dtype = at::kDouble;
  const auto learner = Make(options);
  const Plan plan = learner->PlanOf(2, "lean");
  EXPECT_EQ(learner->Predict(plan).peak_bytes, learner->Run(plan, 3).peak_bytes);
}

TEST(StepPredictorMemoryTest, AProfileThatRunsOutOfMemoryLeavesNoTrace) {
  const auto learner = Make(OptionsOf("r3d_nano", /*size=*/64));
  std::vector<at::Tensor> before;
  for (const NamedTensor& buffer : Buffers(learner->model())) {
    before.push_back(buffer.tensor.clone());
  }
  const Plan plan = learner->PlanOf(kBatch, "keep");
  const int64_t live = ReadCpuMemory().live_bytes;
  bool fits = false;
  int64_t num_refused = 0;
  for (int64_t more = 64 << 10; !fits; more *= 2) {
    SetCpuBudget(live + more);
    fits = FitsInMemory([&] { learner->Predict(plan); });
    SetCpuBudget(0);
    num_refused += fits ? 0 : 1;
    for (const NamedTensor& parameter : Parameters(learner->model())) {
      EXPECT_FALSE(parameter.tensor.grad().defined()) << parameter.name;
    }
    size_t n = 0;
    for (const NamedTensor& buffer : Buffers(learner->model())) {
      EXPECT_TRUE(at::equal(buffer.tensor, before[n++])) << buffer.name << " after " << more;
    }
  }
  EXPECT_GE(num_refused, 3);
}

TEST(StepPlannerTest, ThePlanFitsAndItsPeakFallsWithTheBudget) {
  const auto learner = Make(OptionsOf("video_vit_nano", /*size=*/112));
  const auto free = PlanSteps(learner->predictor(), learner->Terms(int64_t{1} << 40));
  ASSERT_TRUE(free.ok()) << free.status();
  const int64_t top = learner->Predict(learner->Terms(0).configured).peak_bytes;
  const int64_t bottom = free->smallest_budget_bytes;
  ASSERT_LT(bottom, top);
  int64_t last = std::numeric_limits<int64_t>::max();
  for (int n = 0; n <= 20; ++n) {
    const int64_t budget = top - (top - bottom) * n / 20;
    const auto planned = PlanSteps(learner->predictor(), learner->Terms(budget));
    ASSERT_TRUE(planned.ok()) << n << ": " << planned.status();
    EXPECT_LE(planned->prediction.peak_bytes, budget);
    EXPECT_EQ(planned->prediction.peak_bytes, learner->Run(planned->plan, 1, budget).peak_bytes)
        << n;
    EXPECT_LE(planned->prediction.peak_bytes, last);
    last = planned->prediction.peak_bytes;
    // What would be tried after out of memory: always less, nearly down to the smallest plan.
    int64_t fallback_bytes = last;
    for (const FallbackPlan& fallback : planned->fallbacks) {
      EXPECT_LT(fallback.peak_bytes, fallback_bytes);
      fallback_bytes = fallback.peak_bytes;
    }
    EXPECT_LE(0.94 * static_cast<double>(fallback_bytes), static_cast<double>(bottom)) << n;
  }
  const auto none = PlanSteps(learner->predictor(), learner->Terms(bottom - 1));
  ASSERT_FALSE(none.ok());
  EXPECT_NE(none.status().message().find(std::to_string(bottom)), absl::string_view::npos)
      << none.status();
}

// The times of every operation, disturbed as on a busy machine.
ChainProfile Disturbed(const ChainProfile& profile, std::mt19937& random) {
  std::uniform_real_distribution<double> factor(0.3, 3.0);
  ChainProfile result = profile;
  for (auto& stage : result.stages) {
    auto other = std::make_shared<StageProfile>(*stage);
    for (TracePair* pair : {&other->nograd, &other->keep, &other->lean, &other->backward_keep,
                            &other->backward_lean}) {
      (*pair)[kFirst].ms = (*pair)[kLater].ms = (*pair)[kFirst].ms * factor(random);
    }
    stage = std::move(other);
  }
  return result;
}

TEST(StepPlannerTest, TheSmallestBudgetDoesNotDependOnMeasuredTimes) {
  for (const char* name : {"posec3d_nano", "video_vit_nano"}) {
    MeasuredLearnerOptions options = OptionsOf(name, /*size=*/64);
    options.spec.num_frames = 16;
    options.norm_group = kBatch;  // no split, so all depends on the schedules
    const auto learner = Make(options);
    std::mt19937 random(7);
    learner->predictor().set_convert(
        [&](const ChainProfile& profile) { return Disturbed(profile, random); });
    const auto free = PlanSteps(learner->predictor(), learner->Terms(int64_t{1} << 40));
    ASSERT_TRUE(free.ok()) << free.status();
    for (int n = 0; n < 10; ++n) {
      const int64_t bottom = free->smallest_budget_bytes;
      const auto planned = PlanSteps(learner->predictor(), learner->Terms(bottom));
      ASSERT_TRUE(planned.ok()) << name << " " << n << ": " << planned.status();
      EXPECT_EQ(planned->smallest_budget_bytes, bottom);
      EXPECT_FALSE(PlanSteps(learner->predictor(), learner->Terms(bottom - 1)).ok());
    }
  }
}

TEST(StepPlannerTest, OffloadBringsPlansBelowTheSmallestBudgetWithoutIt) {
  MeasuredLearnerOptions options = OptionsOf("posec3d_nano");
  options.norm_group = kBatch;  // no split
  const auto learner = Make(options);
  PlanningTerms terms = learner->Terms(int64_t{1} << 40);
  terms.allow.paging = terms.allow.offload = false;
  terms.host_bytes = int64_t{1} << 30;
  terms.link_bytes_per_ms = 1e6;
  const auto without = PlanSteps(learner->predictor(), terms);
  ASSERT_TRUE(without.ok()) << without.status();
  terms.allow.offload = true;
  const auto with = PlanSteps(learner->predictor(), terms);
  ASSERT_TRUE(with.ok()) << with.status();
  EXPECT_LT(with->smallest_budget_bytes, without->smallest_budget_bytes);
  terms.budget_bytes = with->smallest_budget_bytes;
  const auto tight = PlanSteps(learner->predictor(), terms);
  ASSERT_TRUE(tight.ok()) << tight.status();
  EXPECT_TRUE(tight->plan.offload_inputs);
  EXPECT_EQ(learner->Predict(tight->plan).peak_bytes, tight->prediction.peak_bytes);
  const MeasuredSteps steps = learner->Run(tight->plan, 3, terms.budget_bytes);
  EXPECT_EQ(steps.peak_bytes, tight->prediction.peak_bytes);
  EXPECT_EQ(steps.oom_retries, 0);
}

TEST(StepPlannerTest, ReleaseAndPagingBringPlansBelowTheSmallestBudgetWithoutThem) {
  MeasuredLearnerOptions options = OptionsOf("whisper_nano");
  options.norm_group = kBatch;  // no split
  const auto learner = Make(options);
  PlanningTerms terms = learner->Terms(int64_t{1} << 40);
  int64_t last = std::numeric_limits<int64_t>::max();
  for (const auto& [can_release, host_bytes] :
       std::vector<std::pair<bool, int64_t>>{{false, 0}, {true, 0}, {true, int64_t{1} << 30}}) {
    terms.can_release = can_release;
    terms.host_bytes = host_bytes;
    terms.link_bytes_per_ms = 1e6;
    terms.budget_bytes = int64_t{1} << 40;
    const auto free = PlanSteps(learner->predictor(), terms);
    ASSERT_TRUE(free.ok()) << free.status();
    EXPECT_FALSE(free->plan.release || free->plan.page_optimizer) << "nothing presses";
    EXPECT_LT(free->smallest_budget_bytes, last);
    last = terms.budget_bytes = free->smallest_budget_bytes;
    const auto tight = PlanSteps(learner->predictor(), terms);
    ASSERT_TRUE(tight.ok()) << tight.status();
    EXPECT_EQ(tight->plan.release, can_release);
    EXPECT_EQ(tight->plan.page_optimizer, host_bytes > 0);
    const MeasuredSteps steps = learner->Run(tight->plan, 3, last);
    EXPECT_EQ(steps.peak_bytes, tight->prediction.peak_bytes);
    EXPECT_EQ(steps.oom_retries, 0);
  }
  terms.host_bytes = 1000;  // too few for the state
  terms.budget_bytes = last;
  EXPECT_FALSE(PlanSteps(learner->predictor(), terms).ok());
}

}  // namespace
}  // namespace slimreel
