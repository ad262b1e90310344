#include "configs/train_options.h"

#include <gtest/gtest.h>

#include <string>

namespace slimreel {
namespace {

std::string Refusal(const TrainOptions& options) {
  return std::string(options.Validate().message());
}

TEST(TrainOptionsTest, OnlyScheduleStepTakesAStepSize) {
  TrainOptions options;
  EXPECT_EQ(Refusal(options), "");
  options.step_size = 5;
  EXPECT_NE(Refusal(options).find("train.step_size is 5"), std::string::npos);
  options.schedule = LrSchedule::kStep;
  EXPECT_EQ(Refusal(options), "");
}

TEST(TrainOptionsTest, ClassWeightsAreNotAllZero) {
  TrainOptions options;
  options.class_weights = {0.0, 0.0};
  EXPECT_NE(Refusal(options).find("train.class_weights are all 0"), std::string::npos);
  options.class_weights = {0.0, 0.5};
  EXPECT_EQ(Refusal(options), "");
}

TEST(TrainOptionsTest, AllMistakesAreNamedAtOnce) {
  TrainOptions options;
  options.step_size = 5;
  options.class_weights = {0.0};
  EXPECT_NE(Refusal(options).find("train.step_size"), std::string::npos);
  EXPECT_NE(Refusal(options).find("train.class_weights"), std::string::npos);
}

}  // namespace
}  // namespace slimreel
