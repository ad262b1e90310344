#include "trainer/setup/start_plan.h"

#include <gtest/gtest.h>

#include "trainer/setup/plan_terms.h"

namespace slimreel {
namespace {

constexpr BatchTerms kBatch{.effective_batch = 8, .micro_batch = 8};
const std::vector<std::string> kStages = {"stem", "head", "loss"};
constexpr int64_t kCeiling = int64_t{1} << 30;

Plan PlanOf(int64_t micro_batch, StageMode mode) {
  return MakePlan(micro_batch, std::vector<StageMode>(2, mode), kStages);
}

// Goes on from a checkpoint of `config` whose plan a tight budget has lowered.
RunRequest Tightened(const Config& config) {
  FoundCheckpoint checkpoint;
  checkpoint.state.step = 7;
  checkpoint.state.micro_batch = 2;
  checkpoint.state.schedule = "checkpoint";
  checkpoint.state.plan_terms = {
      .ceiling_bytes = kCeiling, .num_stages = 2, .keys = PlanKeys(config)};
  RunRequest request;
  request.start = checkpoint;
  request.ceiling.stated_bytes = kCeiling;
  return request;
}

TEST(StartPlanTest, ContradictingCheckpointKeysAreRefused) {
  Config config;
  EXPECT_EQ(*ConfiguredModes(config, 2), std::vector<StageMode>(2, StageMode::kKeep));
  config.model.use_gradient_checkpointing = true;
  EXPECT_EQ(*ConfiguredModes(config, 2), std::vector<StageMode>(2, StageMode::kCheckpoint));
  for (const char* schedule : {"keep", "lean", "every:2"}) {
    config.memory.schedule = schedule;
    EXPECT_TRUE(absl::IsInvalidArgument(ConfiguredModes(config, 2).status())) << schedule;
  }
  config.model.use_gradient_checkpointing = false;
  EXPECT_FALSE(ConfiguredModes(config, 2).ok()) << "every:2";
  config.memory.schedule = "lean";
  EXPECT_TRUE(ConfiguredModes(config, 2).ok());
}

TEST(StartPlanTest, ANewRunTakesTheConfigurationsPlan) {
  Config config;
  RunRequest request;
  request.ceiling.stated_bytes = kCeiling;
  const auto start = ChooseStartPlan(config, request, kBatch, kStages);
  ASSERT_TRUE(start.ok()) << start.status();
  EXPECT_EQ(start->plan, PlanOf(8, StageMode::kKeep));
  EXPECT_EQ(start->terms.ceiling_bytes, kCeiling);
  EXPECT_EQ(start->terms.num_stages, 2);
  EXPECT_TRUE(start->notes.empty());
}

TEST(StartPlanTest, AResumedRunKeepsTheCheckpointsPlanAndTheCeilingItWasMadeUnder) {
  Config config;
  RunRequest request = Tightened(config);
  request.ceiling.stated_bytes = kCeiling + kCeiling / 1000;  // less than a hundredth more
  const auto start = ChooseStartPlan(config, request, kBatch, kStages);
  ASSERT_TRUE(start.ok()) << start.status();
  EXPECT_EQ(start->plan, PlanOf(2, StageMode::kCheckpoint));
  EXPECT_EQ(start->terms.ceiling_bytes, kCeiling);
  EXPECT_TRUE(start->notes.empty());
}

TEST(StartPlanTest, ChangedTermsGiveTheConfigurationsPlanAndANote) {
  Config config;
  RunRequest request = Tightened(config);
  request.ceiling.stated_bytes = 4 * kCeiling;
  const auto start = ChooseStartPlan(config, request, kBatch, kStages);
  ASSERT_TRUE(start.ok()) << start.status();
  EXPECT_EQ(start->plan, PlanOf(8, StageMode::kKeep));
  EXPECT_EQ(start->terms.ceiling_bytes, 4 * kCeiling);
  ASSERT_EQ(start->notes.size(), 1u);
  EXPECT_NE(start->notes[0].find("step 7: the checkpoint's plan (micro-batch 2"), std::string::npos)
      << start->notes[0];
}

// What the checkpoint remembers of the time before an out of memory.
WiderPlan Remembered() {
  WiderPlan wider;
  wider.micro_batch = 8;
  wider.schedule = "keep";
  wider.peak_bytes = 900;
  wider.waiting = {.calm_checkpoints = 1, .on_trial = false, .failures = 2};
  wider.seen_retries = 3;
  return wider;
}

TEST(StartPlanTest, AKeptPlanMayStillBeRelaxed) {
  Config config;
  RunRequest request = Tightened(config);
  request.start->state.wider = Remembered();
  EXPECT_EQ(ChooseStartPlan(config, request, kBatch, kStages)->wider, Remembered());
  request.changes.changes_result = true;
  WiderPlan expected = Remembered();
  expected.peak_bytes = 0;  // was measured with other shapes, perhaps
  EXPECT_EQ(ChooseStartPlan(config, request, kBatch, kStages)->wider, expected);
}

TEST(StartPlanTest, WhereThePlanOrItsTermsChangeNothingIsRememberedButTheRetriesSeen) {
  Config config;
  WiderPlan none;
  none.seen_retries = 3;
  RunRequest request = Tightened(config);
  request.start->state.wider = Remembered();
  request.start->state.wider.schedule = "keep,keep,keep";  // for another number of stages
  EXPECT_EQ(ChooseStartPlan(config, request, kBatch, kStages)->wider, none);
  request.start->state.wider = Remembered();
  request.start->state.wider.micro_batch = 6;  // no multiple of the groups
  BatchTerms grouped = kBatch;
  grouped.norm_group = grouped.min_micro_batch = 4;
  EXPECT_EQ(ChooseStartPlan(config, request, grouped, kStages)->wider, none);
  request.start->state.wider = Remembered();
  request.start->state.oom_retries = 5;
  request.ceiling.stated_bytes = 4 * kCeiling;
  none.seen_retries = 5;
  EXPECT_EQ(ChooseStartPlan(config, request, kBatch, kStages)->wider, none);
}

TEST(StartPlanTest, AKeptMicroBatchIsFittedToNormalisationGroups) {
  Config config;
  BatchTerms grouped = kBatch;
  grouped.norm_group = grouped.min_micro_batch = 4;
  const auto start = ChooseStartPlan(config, Tightened(config), grouped, kStages);
  ASSERT_TRUE(start.ok()) << start.status();
  EXPECT_EQ(start->plan, PlanOf(4, StageMode::kCheckpoint));
  EXPECT_EQ(start->notes.size(), 1u);
}

}  // namespace
}  // namespace slimreel
