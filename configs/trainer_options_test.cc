#include "configs/trainer_options.h"

#include <gtest/gtest.h>

#include <string>

namespace slimreel {
namespace {

TEST(BatchLimitTest, AShareRoundsDownAndANumberIsBoundedByTheTotal) {
  EXPECT_EQ(BatchLimit().Resolve(7), 7);
  EXPECT_EQ((BatchLimit{.batches = {}, .fraction = 0.5}).Resolve(7), 3);
  EXPECT_EQ((BatchLimit{.batches = {}, .fraction = 0.1}).Resolve(7), 0);
  EXPECT_EQ((BatchLimit{.batches = 3, .fraction = 0.1}).Resolve(7), 3);
  EXPECT_EQ((BatchLimit{.batches = 9, .fraction = 1.0}).Resolve(7), 7);
}

TEST(EvaluationOptionsTest, StrategyStepsNeedsEveryStepsAndEpochRefusesIt) {
  EvaluationOptions options;
  EXPECT_TRUE(options.Validate().ok());
  options.every_steps = 10;
  EXPECT_NE(std::string(options.Validate().message()).find("evaluation.every_steps is 10"),
            std::string::npos);
  options.strategy = EvaluationStrategy::kSteps;
  EXPECT_TRUE(options.Validate().ok());
  options.every_steps.reset();
  EXPECT_NE(std::string(options.Validate().message()).find("needs evaluation.every_steps"),
            std::string::npos);
}

}  // namespace
}  // namespace slimreel
