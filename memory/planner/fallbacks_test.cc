#include "memory/planner/fallbacks.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <random>

namespace slimreel {
namespace {

PlanOutcome Plan(int64_t micro_batch, double time_ms, int64_t peak_bytes) {
  return {.time_ms = time_ms, .peak_bytes = peak_bytes, .micro_batch = micro_batch};
}

TEST(FallbacksTest, TheSameSplitComesFirstThenOtherOnes) {
  const PlanOutcome chosen = Plan(8, 10, 1000);
  EXPECT_EQ(Fallbacks({chosen, Plan(8, 12, 800), Plan(8, 11, 900), Plan(4, 9, 850),
                       Plan(4, 13, 500), Plan(2, 14, 600), Plan(8, 9, 1200)},
                      chosen),
            (std::vector<PlanOutcome>{Plan(8, 11, 900), Plan(8, 12, 800), Plan(4, 13, 500)}));
}

TEST(FallbacksTest, StepsThatSaveLittleAndPlansOfAnotherResultAreLeftOut) {
  const PlanOutcome chosen = Plan(1, 10, 1000);
  PlanOutcome other = Plan(1, 10, 100);
  other.result_change = 1;
  EXPECT_EQ(
      Fallbacks({chosen, Plan(1, 11, 960), Plan(1, 12, 940), Plan(1, 13, 900), other}, chosen),
      (std::vector<PlanOutcome>{Plan(1, 12, 940)}));
}

TEST(FallbacksTest, PeaksFallAndTheSmallestPlanIsNearTheEnd) {
  std::mt19937 random(5);
  for (int round = 0; round < 200; ++round) {
    std::vector<PlanOutcome> plans;
    int64_t smallest = 10000;
    for (int n = 0; n < 30; ++n) {
      plans.push_back(Plan(1 << (random() % 4), 1.0 + random() % 100,
                           1 + static_cast<int64_t>(random() % 10000)));
      smallest = std::min(smallest, plans.back().peak_bytes);
    }
    double last = static_cast<double>(plans[0].peak_bytes);
    bool left_split = false;
    for (const PlanOutcome& plan : Fallbacks(plans, plans[0])) {
      EXPECT_LE(static_cast<double>(plan.peak_bytes), kFallbackShare * last);
      last = static_cast<double>(plan.peak_bytes);
      left_split |= plan.micro_batch != plans[0].micro_batch;
      EXPECT_EQ(left_split, plan.micro_batch != plans[0].micro_batch);
    }
    EXPECT_LE(kFallbackShare * last, static_cast<double>(smallest));
  }
}

}  // namespace
}  // namespace slimreel
