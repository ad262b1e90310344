#include "trainer/evaluation/metrics_json.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "gtest/gtest.h"

namespace slimreel {
namespace {

EvaluationMetrics Some() {
  return {.values = {{"top1", 0.25}, {"clip_loss", 0.1 + 0.2}}, .videos = 4, .clips = 12};
}

TEST(MetricsJsonTest, ComesBackUnchangedFromItsTextUnderAPrefix) {
  const auto json = nlohmann::ordered_json::parse(MetricsToJson(Some(), "val_").dump());
  EXPECT_EQ(json["val_top1"], 0.25);
  EXPECT_EQ(MetricsFromJson(json, "val_"), Some());
}

TEST(MetricsJsonTest, OtherKeysOfTheLineAreIgnored) {
  auto json = MetricsToJson(Some(), "val_");
  json["step"] = 7;
  json["loss"] = 1.5;
  EXPECT_EQ(MetricsFromJson(json, "val_"), Some());
}

TEST(MetricsJsonTest, NanIsNullAndComesBackAsNan) {
  EvaluationMetrics metrics = Some();
  metrics.values[0].second = std::nan("");
  const auto json = MetricsToJson(metrics);
  EXPECT_TRUE(json["top1"].is_null());
  EXPECT_TRUE(std::isnan(*FindMetric(MetricsFromJson(json).values, "top1")));
}

TEST(NamedMetricsTest, HoldVideosFirstAndClipsUnderTheirPrefix) {
  ClassificationMetrics videos;
  videos.count = 2;
  videos.top1 = 0.5;
  ClassificationMetrics clips;
  clips.count = 6;
  clips.top1 = 0.75;
  const EvaluationMetrics named = NameMetrics(videos, clips);
  EXPECT_EQ(named.values[0].first, "top1");
  EXPECT_EQ(FindMetric(named.values, "top1"), 0.5);
  EXPECT_EQ(FindMetric(named.values, "clip_top1"), 0.75);
  EXPECT_EQ(named.videos, 2);
  EXPECT_EQ(named.clips, 6);
  EXPECT_FALSE(FindMetric(named.values, "auc").has_value());
}

}  // namespace
}  // namespace slimreel
