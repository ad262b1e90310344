#include "trainer/loop/best_metric.h"

#include <cmath>

#include "gtest/gtest.h"

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
}

TEST(BestMetricTest, EveryNamedMetricIsRead) {
  ClassificationMetrics metrics;
  metrics.top1 = 1;
  metrics.top5 = 2;
  metrics.mean_class_accuracy = 3;
  metrics.loss = 4;
  EXPECT_EQ(MetricValue(metrics, "top1"), 1);
  EXPECT_EQ(MetricValue(metrics, "top5"), 2);
  EXPECT_EQ(MetricValue(metrics, "mean_class_accuracy"), 3);
  EXPECT_EQ(MetricValue(metrics, "loss"), 4);
  EXPECT_FALSE(IsMetricName("auc"));
}

}  // namespace
}  // namespace slimreel
