#include "trainer/loop/run_length.h"

#include <optional>
#include <vector>

#include "gtest/gtest.h"

namespace slimreel {
namespace {

RunLengthRequest ThreeEpochs() {
  RunLengthRequest request{.epoch_samples = 79, .effective_batch = 8};
  request.train.max_epochs = 3;
  return request;
}

int64_t TotalSteps(RunLengthRequest request, std::optional<int64_t> max_steps = std::nullopt) {
  request.train.max_steps = max_steps;
  return MakeRunLength(request).total_steps;
}

TEST(RunLengthTest, EpochsOrStepsEndTheRunWhicheverComesFirst) {
  EXPECT_EQ(TotalSteps(ThreeEpochs()), 30);
  EXPECT_EQ(TotalSteps(ThreeEpochs(), 25), 25);
  EXPECT_EQ(TotalSteps(ThreeEpochs(), 99), 30);
}

TEST(RunLengthTest, AResumedRunIsAsLongAsTheUnbrokenOne) {
  RunLengthRequest request = ThreeEpochs();
  for (; request.steps_done <= 30; ++request.steps_done) {
    request.position = {.epoch = request.steps_done / 10,
                        .next_sample = request.steps_done % 10 * 8};
    EXPECT_EQ(TotalSteps(request), 30) << request.steps_done;
  }
}

// The steps done had 8 samples, those to come have 4. The test walks through them one by one.
TEST(RunLengthTest, ARunWithAnotherBatchSizeSeesTheSameEpochs) {
  for (int64_t steps_done = 0; steps_done <= 30; ++steps_done) {
    RunLengthRequest request = ThreeEpochs();
    request.effective_batch = 4;
    request.steps_done = steps_done;
    request.position = {.epoch = steps_done / 10, .next_sample = steps_done % 10 * 8};
    int64_t steps = steps_done;
    for (LoaderPosition at = request.position; at.epoch < 3; ++steps) {
      at = InEpoch({.epoch = at.epoch, .next_sample = at.next_sample + 4}, 79);
    }
    EXPECT_EQ(TotalSteps(request), steps);
  }
}

TEST(RunLengthTest, APositionAfterTheEndOfAnEpochIsTheStartOfTheNext) {
  EXPECT_EQ(InEpoch({.epoch = 1, .next_sample = 7}, 8), (LoaderPosition{1, 7}));
  EXPECT_EQ(InEpoch({.epoch = 1, .next_sample = 8}, 8), (LoaderPosition{2, 0}));
  // By trainer.limit_train_batches, set after the checkpoint.
  RunLengthRequest shortened = ThreeEpochs();
  shortened.epoch_samples = 16;
  shortened.steps_done = 5;
  shortened.position = {.epoch = 0, .next_sample = 40};
  EXPECT_EQ(TotalSteps(shortened), 5 + 2 * 2);
  shortened.train.max_epochs = 1;
  EXPECT_EQ(TotalSteps(shortened), 5) << "no step is left";
}

TEST(RunLengthTest, EvaluationFollowsEpochsOrStepsAndAlwaysTheLastStep) {
  const RunLength length{.epoch_samples = 32, .total_steps = 10};
  const auto options = [](EvaluationStrategy strategy, std::optional<int64_t> every_steps) {
    EvaluationOptions made;
    made.strategy = strategy;
    made.every_steps = every_steps;
    return made;
  };
  const EvaluationOptions epoch = options(EvaluationStrategy::kEpoch, std::nullopt);
  const EvaluationOptions steps = options(EvaluationStrategy::kSteps, 3);
  const EvaluationOptions never = options(EvaluationStrategy::kNo, 3);
  std::vector<int64_t> by_epoch, by_steps;
  for (int64_t step = 1; step <= 10; ++step) {
    const bool ended = step == 4 || step == 9;  // the second epoch has a step more: smaller batches
    if (EvaluationDue(epoch, length, step, ended)) by_epoch.push_back(step);
    if (EvaluationDue(steps, length, step, ended)) by_steps.push_back(step);
    EXPECT_FALSE(EvaluationDue(never, length, step, ended));
  }
  EXPECT_EQ(by_epoch, (std::vector<int64_t>{4, 9, 10}));
  EXPECT_EQ(by_steps, (std::vector<int64_t>{3, 6, 9, 10}));
}

TEST(RunLengthTest, CheckpointsFollowStepsOrMinutes) {
  const CheckpointOptions both{.every_steps = 5, .every_minutes = 10};
  EXPECT_TRUE(CheckpointDue(both, 5, 0.0));
  EXPECT_FALSE(CheckpointDue(both, 6, 9.9));
  EXPECT_TRUE(CheckpointDue(both, 6, 10.0));
  EXPECT_FALSE(CheckpointDue({.every_steps = std::nullopt, .every_minutes = std::nullopt}, 6, 1e9));
}

}  // namespace
}  // namespace slimreel
