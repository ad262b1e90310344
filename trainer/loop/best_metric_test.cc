#include "trainer/loop/best_metric.h"

#include <cmath>

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

TEST(BestMetricTest, TheFirstValueIsTheBestUnlessItIsNoNumber) {
  EXPECT_TRUE(IsBetter("top1", 0.0, 0.0, false));
  EXPECT_FALSE(IsBetter("loss", std::nan(""), 0.0, false));
  EXPECT_FALSE(IsBetter("loss", INFINITY, 0.0, false)) << "no number in a checkpoint's JSON";
}

TEST(BestMetricTest, EveryNamedMetricIsOneThatAnEvaluationGives) {
  const NamedMetrics given = NameMetrics({}, {}).values;
  for (const char* name : {"top1", "top5", "mean_class_accuracy", "loss"}) {
    EXPECT_TRUE(IsMetricName(name)) << name;
    EXPECT_TRUE(FindMetric(given, name).has_value()) << name;
  }
  EXPECT_FALSE(IsMetricName("auc"));
}

}  // namespace
}  // namespace slimreel
