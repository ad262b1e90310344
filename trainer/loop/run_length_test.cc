#include "trainer/loop/run_length.h"

#include <vector>

#include "gtest/gtest.h"

namespace slimreel {
namespace {

TEST(RunLengthTest, WhicheverOfEpochsAndStepsComesFirstEndsTheRun) {
  EXPECT_EQ(MakeRunLength(10, 3, 0).total_steps, 30);
  EXPECT_EQ(MakeRunLength(10, 3, 25).total_steps, 25);
  EXPECT_EQ(MakeRunLength(10, 3, 99).total_steps, 30);
}

TEST(RunLengthTest, EvaluationFollowsEpochsOrStepsAndAlwaysTheLastStep) {
  const RunLength length = MakeRunLength(4, 3, 10);
  const EvaluationTimes epoch{.strategy = EvaluationStrategy::kEpoch, .every_steps = 0};
  const EvaluationTimes steps{.strategy = EvaluationStrategy::kSteps, .every_steps = 3};
  const EvaluationTimes never{.strategy = EvaluationStrategy::kNo, .every_steps = 3};
  std::vector<int64_t> by_epoch, by_steps;
  for (int64_t step = 1; step <= 10; ++step) {
    if (EvaluationDue(epoch, length, step)) by_epoch.push_back(step);
    if (EvaluationDue(steps, length, step)) by_steps.push_back(step);
    EXPECT_FALSE(EvaluationDue(never, length, step));
  }
  EXPECT_EQ(by_epoch, (std::vector<int64_t>{4, 8, 10}));
  EXPECT_EQ(by_steps, (std::vector<int64_t>{3, 6, 9, 10}));
}

TEST(RunLengthTest, CheckpointsFollowStepsOrMinutes) {
  const CheckpointTimes both{.every_steps = 5, .every_minutes = 10};
  EXPECT_TRUE(CheckpointDue(both, 5, 0.0));
  EXPECT_FALSE(CheckpointDue(both, 6, 9.9));
  EXPECT_TRUE(CheckpointDue(both, 6, 10.0));
  EXPECT_FALSE(CheckpointDue({.every_steps = 0, .every_minutes = 0}, 6, 1e9));
}

}  // namespace
}  // namespace slimreel
