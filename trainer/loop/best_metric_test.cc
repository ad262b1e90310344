#include "trainer/loop/best_metric.h"

#include <cmath>

#include "configs/trainer_options.h"
#include "gtest/gtest.h"
#include "trainer/evaluation/metrics.h"

namespace slimreel {
namespace {

TEST(BestMetricTest, LowerLossAndHigherAccuracyAreBetterAndEqualIsNot) {
  EXPECT_TRUE(IsBetter("loss", 0.5, 0.6, true));
  EXPECT_FALSE(IsBetter("loss", 0.6, 0.5, true));
  EXPECT_TRUE(IsBetter("top1", 0.6, 0.5, true));
  EXPECT_FALSE(IsBetter("top1", 0.5, 0.5, true));
}

TEST(BestMetricTest, TheFirstFiniteValueIsTheBest) {
  EXPECT_TRUE(IsBetter("top1", 0.0, 0.0, false));
  EXPECT_FALSE(IsBetter("loss", std::nan(""), 0.0, false));
  EXPECT_FALSE(IsBetter("loss", INFINITY, 0.0, false)) << "JSON has no infinity";
}

TEST(BestMetricTest, EveryAllowedNameIsAMetricOfAnEvaluation) {
  const NamedMetrics given = NameMetrics({}, {}).values;
  EXPECT_GE(BestMetricNames().size(), 4u);
  for (const std::string& name : BestMetricNames()) {
    EXPECT_TRUE(FindMetric(given, name).has_value()) << name;
  }
}

}  // namespace
}  // namespace slimreel
