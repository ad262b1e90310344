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
  EXPECT_EQ(AllSteps({8, {kKeep, kCheckpoint}}, {}),
            (std::vector<Plan>{{8, all}, {4, all}, {2, all}, {1, all}}));
}

TEST(TightenTest, NeverGoesBelowTheNormalisationGroup) {
  const std::vector<Plan> steps = AllSteps(
      {8, {kCheckpoint}}, {.norm_group = 4, .allow_checkpointing = true, .allow_split = true});
  EXPECT_EQ(steps, (std::vector<Plan>{{4, {kCheckpoint}}}));
}

TEST(TightenTest, ForbiddenMeansAreNotUsed) {
  EXPECT_EQ(AllSteps({2, {kKeep}}, {0, false, true}), (std::vector<Plan>{{1, {kKeep}}}));
  EXPECT_EQ(AllSteps({2, {kKeep}}, {0, true, false}), (std::vector<Plan>{{2, {kCheckpoint}}}));
  EXPECT_FALSE(Tighten({2, {kKeep}}, {0, false, false}));
}

TEST(TightenTest, TextTellsWhatWasTriedAndWhatForbadeMore) {
  const std::string text =
      DescribeTried({{{8, {kKeep}}, 900 << 20}, {{8, {kCheckpoint}}, 700 << 20}},
                    {.norm_group = 8, .allow_checkpointing = true, .allow_split = true}, 600 << 20);
  for (const char* part :
       {"Tried: micro-batch 8, schedule keep (needs at least 900 MiB); "
        "micro-batch 8, schedule checkpoint (needs at least 700 MiB).",
        "The ceiling is 600 MiB.", "Micro-batches below 8", "model.norm_group",
        "a larger memory.budget (more than 700 MiB)", "data.num_frames", "model.name"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << " in " << text;
  }
}

TEST(TightenTest, TextIsSilentAboutWhatIsNotKnown) {
  const std::string text = DescribeTried({{{1, {kCheckpoint}}, 0}}, TightenLimits(), 0);
  EXPECT_EQ(text.find("needs"), std::string::npos) << text;
  EXPECT_EQ(text.find("ceiling"), std::string::npos) << text;
  EXPECT_NE(text.find("a larger memory.budget, fewer"), std::string::npos) << text;
}

}  // namespace
}  // namespace slimreel
