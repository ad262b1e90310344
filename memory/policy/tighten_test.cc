#include "memory/policy/tighten.h"

#include <gtest/gtest.h>

namespace slimreel {
namespace {

constexpr StageMode kKeep = StageMode::kKeep;
constexpr StageMode kCheckpoint = StageMode::kCheckpoint;

std::vector<Plan> AllSteps(Plan plan, const TightenLimits& limits) {
  std::vector<Plan> steps;
  std::optional<Plan> next = Tighten(plan, limits);
  while (next && steps.size() < 100) {
    steps.push_back(*next);
    next = Tighten(*next, limits);
  }
  return steps;
}

TEST(TightenTest, CheckpointsAllStagesFirstThenHalvesDownToOne) {
  const std::vector<StageMode> all = {kCheckpoint, kCheckpoint};
  EXPECT_EQ(AllSteps(MakePlan(8, {kKeep, kCheckpoint}, {}), {}),
            (std::vector<Plan>{MakePlan(8, all, {}), MakePlan(4, all, {}), MakePlan(2, all, {}),
                               MakePlan(1, all, {})}));
}

TEST(TightenTest, NeverGoesBelowTheNormalisationGroup) {
  const std::vector<Plan> steps =
      AllSteps(MakePlan(8, {kCheckpoint}, {}),
               {.norm_group = 4, .allow = {.checkpointing = true, .split = true}});
  EXPECT_EQ(steps, (std::vector<Plan>{MakePlan(4, {kCheckpoint}, {})}));
}

TEST(TightenTest, ForbiddenMeansAreNotUsed) {
  EXPECT_EQ(AllSteps(MakePlan(2, {kKeep}, {}), {.allow = {.checkpointing = false}}),
            (std::vector<Plan>{MakePlan(1, {kKeep}, {})}));
  EXPECT_EQ(AllSteps(MakePlan(2, {kKeep}, {}), {.allow = {.split = false}}),
            (std::vector<Plan>{MakePlan(2, {kCheckpoint}, {})}));
  EXPECT_FALSE(
      Tighten(MakePlan(2, {kKeep}, {}), {.allow = {.checkpointing = false, .split = false}}));
}

// From the second micro-batch on, all gradients live at once.
TEST(TightenTest, ReleaseEndsWhereTheBatchIsSplit) {
  Plan plan = MakePlan(2, {kKeep}, {});
  plan.release = true;
  const std::vector<Plan> steps = AllSteps(plan, {});
  ASSERT_EQ(steps.size(), 2u);
  EXPECT_TRUE(steps[0].release) << "checkpointed at the same split";
  EXPECT_FALSE(steps[1].release);
}

std::vector<FallbackPlan> Fallbacks() {
  return {{MakePlan(8, {kCheckpoint, kKeep}, {}), 900},
          {MakePlan(8, {kCheckpoint, kCheckpoint}, {}), 700},
          {MakePlan(2, {kKeep, kKeep}, {}), 500}};
}

TEST(NextPlanTest, TakesThePlannersPlansInOrderThenTheLadder) {
  std::vector<FallbackPlan> fallbacks = Fallbacks();
  Plan plan = MakePlan(8, {kKeep, kKeep}, {});
  std::vector<Plan> steps;
  while (const auto next = NextPlan(plan, 0, {}, &fallbacks)) steps.push_back(plan = *next);
  EXPECT_EQ(steps, (std::vector<Plan>{Fallbacks()[0].plan, Fallbacks()[1].plan, Fallbacks()[2].plan,
                                      MakePlan(2, {kCheckpoint, kCheckpoint}, {}),
                                      MakePlan(1, {kCheckpoint, kCheckpoint}, {})}));
}

TEST(NextPlanTest, LeavesOutWhatNeedsAsMuchAsWasRefused) {
  for (int64_t needed = 1; needed <= 1000; ++needed) {
    std::vector<FallbackPlan> fallbacks = Fallbacks();
    const auto next = NextPlan(MakePlan(8, {kKeep, kKeep}, {}), needed, {}, &fallbacks);
    // None needs less than 500: the refusal had another reason, and the next one is tried.
    const size_t expected = needed <= 500 ? 0 : needed <= 700 ? 2 : needed <= 900 ? 1 : 0;
    ASSERT_TRUE(next.has_value());
    EXPECT_EQ(*next, Fallbacks()[expected].plan) << needed;
    ASSERT_EQ(fallbacks.size(), 2 - expected) << needed;
    for (size_t n = 0; n < fallbacks.size(); ++n) {
      EXPECT_EQ(fallbacks[n], Fallbacks()[expected + 1 + n]);
    }
  }
}

TEST(TightenTest, TextNamesTheTriedPlansAndWhyNoOther) {
  const std::string text = NoPlanFitsMessage(
      {{MakePlan(8, {kKeep}, {}), 900 << 20}, {MakePlan(8, {kCheckpoint}, {}), 700 << 20}},
      {.norm_group = 8, .allow = {.checkpointing = true, .split = true}},
      {.bytes = 600 << 20, .origin = "memory.budget"});
  for (const char* part :
       {"Tried: micro-batch 8, schedule keep (needs at least 900 MiB); "
        "micro-batch 8, schedule checkpoint (needs at least 700 MiB).",
        "The ceiling is 600 MiB (memory.budget).", "Micro-batches below 8", "model.norm_group",
        "a larger memory.budget (700 MiB was needed when the last plan failed; the whole step "
        "needs more)",
        "model.norm_group: a smaller number, or frozen", "data.num_frames", "data.img_size",
        "trainer.precision", "model.name"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << " in " << text;
  }
  EXPECT_EQ(text.find("permitting"), std::string::npos) << text;
}

TEST(TightenTest, TextNamesForbiddenMeansAsRemedies) {
  const std::string text =
      NoPlanFitsMessage({{MakePlan(8, {kKeep}, {}), 900 << 20}},
                        {.norm_group = 0, .allow = {.checkpointing = false, .split = false}},
                        {.bytes = 1 << 20, .origin = "memory.budget"});
  for (const char* part : {"permitting checkpointing (memory.allow with checkpointing, "
                           "model.use_gradient_checkpointing=auto, memory.schedule=auto)",
                           "permitting smaller micro-batches (memory.allow with split)"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << " in " << text;
  }
  EXPECT_EQ(text.find("norm_group"), std::string::npos) << text;
}

TEST(TightenTest, TextAdvisesWhatWouldRaiseTheCeiling) {
  const std::string text = NoPlanFitsMessage({{MakePlan(1, {kCheckpoint}, {}), 0}}, TightenLimits(),
                                             {.bytes = 1 << 20, .origin = "cgroup v1"});
  EXPECT_NE(text.find("What may fit: a higher limit of the control group, "), std::string::npos)
      << text;
  EXPECT_EQ(text.find("budget"), std::string::npos) << text;
}

TEST(TightenTest, WithoutABudgetTextDoesNotAdviseALargerOne) {
  const std::string text =
      NoPlanFitsMessage({{MakePlan(1, {kCheckpoint}, {}), 700 << 20}}, TightenLimits(), {});
  EXPECT_EQ(text.find("budget"), std::string::npos) << text;
  EXPECT_NE(text.find("more free memory on the device"), std::string::npos) << text;
  EXPECT_NE(text.find("700 MiB was needed when the last plan failed"), std::string::npos) << text;
}

TEST(TightenTest, TextLeavesUnknownNumbersOut) {
  const std::string text =
      NoPlanFitsMessage({{MakePlan(1, {kCheckpoint}, {}), 0}}, TightenLimits(), {});
  EXPECT_EQ(text.find("need"), std::string::npos) << text;
  EXPECT_EQ(text.find("ceiling"), std::string::npos) << text;
  EXPECT_NE(text.find("more free memory on the device (the system refused), fewer"),
            std::string::npos)
      << text;
}

}  // namespace
}  // namespace slimreel
