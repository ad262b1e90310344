#include "trainer/optim/lr_schedule.h"

#include <cmath>

#include "gtest/gtest.h"

namespace slimreel {
namespace {

LrCurve Make(LrSchedule schedule, int64_t warmup, int64_t total) {
  LrCurve curve{.total_steps = total};
  curve.train.lr = 0.2;
  curve.train.schedule = schedule;
  curve.train.warmup_steps = warmup;
  return curve;
}

TEST(LrScheduleTest, ConstantStaysConstantPastTheEnd) {
  for (int64_t step : {0, 5, 99, 1000}) {
    EXPECT_EQ(LearningRate(Make(LrSchedule::kConstant, 0, 100), step), 0.2);
  }
}

TEST(LrScheduleTest, WarmupGrowsLinearlyAndItsFirstStepIsNotZero) {
  const LrCurve curve = Make(LrSchedule::kCosine, 4, 20);
  for (int64_t step = 0; step < 4; ++step) {
    EXPECT_DOUBLE_EQ(LearningRate(curve, step), 0.05 * (step + 1));
  }
  EXPECT_DOUBLE_EQ(LearningRate(curve, 4), 0.2);
}

TEST(LrScheduleTest, LinearFollowsItsClosedFormDownToZero) {
  const LrCurve curve = Make(LrSchedule::kLinear, 2, 12);
  for (int64_t step = 2; step <= 12; ++step) {
    EXPECT_NEAR(LearningRate(curve, step), 0.2 * (12 - step) / 10.0, 1e-15);
  }
  EXPECT_EQ(LearningRate(curve, 50), 0.0);
}

TEST(LrScheduleTest, CosineIsHalfAtItsMiddleAndSymmetric) {
  const LrCurve curve = Make(LrSchedule::kCosine, 0, 10);
  EXPECT_NEAR(LearningRate(curve, 5), 0.1, 1e-15);
  for (int64_t step = 0; step <= 5; ++step) {
    EXPECT_NEAR(LearningRate(curve, step) + LearningRate(curve, 10 - step), 0.2, 1e-15);
  }
  // sin^2(pi/2 * remaining), another form of the same curve.
  EXPECT_NEAR(LearningRate(curve, 3), 0.2 * std::pow(std::sin(M_PI / 2 * 0.7), 2), 1e-15);
}

TEST(LrScheduleTest, StepMultipliesByGammaEveryStepSizeOrThird) {
  LrCurve curve = Make(LrSchedule::kStep, 0, 9);
  for (int64_t step = 0; step < 9; ++step) {
    EXPECT_NEAR(LearningRate(curve, step), 0.2 * std::pow(0.1, step / 3), 1e-15) << step;
  }
  curve.train.step_size = 2;
  curve.train.gamma = 0.5;
  const double expected[] = {0.2, 0.2, 0.1, 0.1, 0.05, 0.05, 0.025, 0.025, 0.0125};
  for (int64_t step = 0; step < 9; ++step) {
    EXPECT_NEAR(LearningRate(curve, step), expected[step], 1e-15) << step;
  }
}

TEST(LrScheduleTest, WarmupLongerThanTheRunStillWorks) {
  const LrCurve curve = Make(LrSchedule::kLinear, 100, 10);
  EXPECT_DOUBLE_EQ(LearningRate(curve, 9), 0.02);
}

TEST(LrScheduleTest, ScalesLinearlyWithTheEffectiveBatch) {
  TrainOptions train;
  train.lr = 0.01;
  train.lr_reference_batch = 40;
  EXPECT_DOUBLE_EQ(ScaledBaseLr(train, 32), 0.008);
  const LrCurve curve{.train = train, .effective_batch = 32};
  EXPECT_DOUBLE_EQ(LearningRate(curve, 0), 0.008);
  train.lr_reference_batch.reset();
  EXPECT_DOUBLE_EQ(ScaledBaseLr(train, 32), 0.01);
}

}  // namespace
}  // namespace slimreel
