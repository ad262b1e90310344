#include "trainer/evaluation/metrics.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <set>

#include "gtest/gtest.h"

namespace slimreel {
namespace {

std::vector<ScoredSample> RandomSamples(int count, int num_classes, uint32_t seed) {
  std::mt19937 generator(seed);
  std::uniform_int_distribution<int> label(-1, num_classes - 1);
  // Few distinct values, so that ties occur.
  std::uniform_int_distribution<int> score(-3, 3);
  std::vector<ScoredSample> samples(count);
  for (int i = 0; i < count; ++i) {
    samples[i].label = label(generator);
    samples[i].video = i / 3;
    for (int c = 0; c < num_classes; ++c) samples[i].logits.push_back(0.5 * score(generator));
  }
  return samples;
}

// The position of the label after a stable sort by falling score.
int64_t RankBySorting(const ScoredSample& sample) {
  std::vector<int64_t> order(sample.logits.size());
  for (size_t c = 0; c < order.size(); ++c) order[c] = c;
  std::stable_sort(order.begin(), order.end(),
                   [&](int64_t a, int64_t b) { return sample.logits[a] > sample.logits[b]; });
  return std::find(order.begin(), order.end(), sample.label) - order.begin();
}

TEST(MetricsTest, AgreeWithBruteForceOnRandomScoresWithTies) {
  for (int num_classes : {2, 4, 9}) {
    const auto samples = RandomSamples(200, num_classes, 7 + num_classes);
    double top1 = 0, top5 = 0, loss = 0, classes = 0, per_class = 0;
    int64_t count = 0;
    for (int label = 0; label < num_classes; ++label) {
      double own = 0, correct = 0;
      for (const auto& sample : samples) {
        if (sample.label != label) continue;
        const int64_t rank = RankBySorting(sample);
        double partition = 0;
        for (double logit : sample.logits) partition += std::exp(logit);
        loss -= std::log(std::exp(sample.logits[label]) / partition);
        ++count, ++own;
        correct += rank == 0;
        top1 += rank == 0;
        top5 += rank < 5;
      }
      if (own == 0) continue;
      ++classes;
      per_class += correct / own;
    }
    const ClassificationMetrics metrics = ComputeMetrics(samples);
    EXPECT_EQ(metrics.count, count);
    EXPECT_NEAR(metrics.top1, top1 / count, 1e-12);
    EXPECT_NEAR(metrics.top5, top5 / count, 1e-12);
    EXPECT_NEAR(metrics.loss, loss / count, 1e-12);
    EXPECT_NEAR(metrics.mean_class_accuracy, per_class / classes, 1e-12);
  }
}

TEST(MetricsTest, FewerThanFiveClassesAreAlwaysInTheTopFive) {
  const ScoredSample sample{.logits = {5, 4, 3}, .label = 2, .video = 0};
  EXPECT_EQ(ComputeMetrics({sample}).top5, 1.0);
}

TEST(MetricsTest, ASampleWithANanLogitIsWrong) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(ComputeMetrics({{.logits = {nan, 0}, .label = 0, .video = 0}}).top1, 0.0);
  EXPECT_EQ(ComputeMetrics({{.logits = {nan, 0}, .label = 1, .video = 0}}).top1, 0.0);
  EXPECT_EQ(ComputeMetrics({{.logits = {nan, 0}, .label = 1, .video = 0}}).top5, 0.0);
}

TEST(MetricsTest, HugeLogitsKeepTheLossFinite) {
  const ScoredSample sample{.logits = {1e4, -1e4}, .label = 1, .video = 0};
  EXPECT_DOUBLE_EQ(ComputeMetrics({sample}).loss, 2e4);
  EXPECT_EQ(Softmax({1e4, 1e4})[0], 0.5);
}

TEST(MetricsTest, SamplesWithoutLabelsGiveZeros) {
  const ClassificationMetrics metrics =
      ComputeMetrics({{.logits = {1, 2}, .label = -1, .video = 0}});
  EXPECT_EQ(metrics.count, 0);
  EXPECT_EQ(metrics.loss, 0.0);
}

TEST(MetricsTest, VideosAverageTheirClipsLogitsInAnyOrderOfClips) {
  const std::vector<ScoredSample> clips = {
      {.logits = {4, 0}, .label = -1, .video = 8},
      {.logits = {0, 1}, .label = 1, .video = 3},
      {.logits = {0, 6}, .label = 1, .video = 8},
  };
  const auto videos = AverageByVideo(clips);
  ASSERT_EQ(videos.size(), 2u);
  EXPECT_EQ(videos[0].video, 8);
  EXPECT_EQ(videos[0].label, 1);
  EXPECT_EQ(videos[0].logits, (std::vector<double>{2, 3}));
  EXPECT_EQ(ComputeMetrics(videos).top1, 1.0);
  // The first clip of video 8, if it were labelled, would be wrong by itself.
  EXPECT_EQ(videos[1].logits, (std::vector<double>{0, 1}));
}

}  // namespace
}  // namespace slimreel
