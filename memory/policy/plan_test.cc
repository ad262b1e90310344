#include "memory/policy/plan.h"

#include <gtest/gtest.h>

namespace slimreel {
namespace {

constexpr StageMode kKeep = StageMode::kKeep;
constexpr StageMode kCheckpoint = StageMode::kCheckpoint;

TEST(PlanTest, TextUsesTheWordsOfTheConfiguration) {
  EXPECT_EQ(DescribePlan(MakePlan(4, {kKeep, kCheckpoint, kKeep, kCheckpoint}, {})),
            "micro-batch 4, schedule every:2");
  EXPECT_EQ(DescribePlan(MakePlan(8, {kKeep, kKeep}, {})), "micro-batch 8, schedule keep");
  EXPECT_EQ(DescribePlan(MakePlan(1, {kCheckpoint}, {})), "micro-batch 1, schedule checkpoint");
}

TEST(PlanTest, PlanWithoutScheduleReadsAsKeep) {
  EXPECT_EQ(DescribePlan(Plan()), "micro-batch 1, schedule keep");
}

TEST(PlanTest, PlansAreEqualIfSplitAndScheduleAre) {
  const Plan plan = MakePlan(4, {kKeep, kCheckpoint}, {});
  EXPECT_EQ(plan, MakePlan(4, {kKeep, kCheckpoint}, {}));
  EXPECT_NE(plan, MakePlan(2, {kKeep, kCheckpoint}, {}));
  EXPECT_NE(plan, MakePlan(4, {kCheckpoint, kCheckpoint}, {}));
}

}  // namespace
}  // namespace slimreel
