#include "trainer/setup/run_start.h"

#include <gtest/gtest.h>

#include "base/test_files.h"

namespace slimreel {
namespace {

Config Small() {
  Config config;
  config.model.name = "r3d_nano";
  config.model.num_classes = 3;
  config.data.train = {"synthetic:8"};
  config.data.val = {"synthetic:4"};
  config.data.img_height = config.data.img_width = 32;
  config.data.num_frames = 8;
  config.data.batch_size = 2;
  config.dataloader.num_workers = 0;
  return config;
}

RunRequest NewRun() {
  RunRequest request;
  request.run_dir = TestFolder("run_start");
  return request;
}

absl::StatusOr<RunData> DataOf(const Config& config) {
  auto learner = MakeLearner(config, NewRun());
  if (!learner.ok()) return learner.status();
  return OpenRunData(config, NewRun(), *learner);
}

TEST(RunDataTest, OpensWhatTheRunLearnsFromAndWhatItIsEvaluatedOn) {
  const auto data = DataOf(Small());
  ASSERT_TRUE(data.ok()) << data.status();
  EXPECT_EQ(data->train->samples_per_epoch(), 8);
  ASSERT_NE(data->val, nullptr);
  EXPECT_EQ(data->val->samples_per_epoch(), 4);
}

TEST(RunDataTest, ARunThatDoesNotEvaluateOpensNoValidationData) {
  Config config = Small();
  config.evaluation.strategy = EvaluationStrategy::kNo;
  const auto without = DataOf(config);
  ASSERT_TRUE(without.ok()) << without.status();
  EXPECT_EQ(without->val, nullptr);
  config = Small();
  config.data.val.clear();
  const auto unset = DataOf(config);
  ASSERT_TRUE(unset.ok()) << unset.status();
  EXPECT_EQ(unset->val, nullptr);
}

TEST(RunStartTest, ANewRunStartsAtStepZeroWithTheConfigurationsPlan) {
  const Config config = Small();
  auto learner = MakeLearner(config, NewRun());
  ASSERT_TRUE(learner.ok()) << learner.status();
  const auto data = OpenRunData(config, NewRun(), *learner);
  ASSERT_TRUE(data.ok()) << data.status();
  const auto start = MakeRunStart(config, NewRun(), *data, *learner);
  ASSERT_TRUE(start.ok()) << start.status();
  EXPECT_EQ(start->state.step, 0);
  EXPECT_EQ(start->state.classes, data->train->classes());
  EXPECT_EQ(start->state.micro_batch, 2);
  EXPECT_EQ(start->state.schedule, ScheduleText(start->plan));
  EXPECT_EQ(start->plan.micro_batch, 2);
}

}  // namespace
}  // namespace slimreel
