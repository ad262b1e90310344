#include "data/loading/order.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <set>

namespace slimreel {
namespace {

std::vector<int64_t> Epoch(const SampleOrder& order, int64_t epoch) {
  std::vector<int64_t> samples;
  for (int64_t i = 0; i < order.size(); ++i) samples.push_back(order.At(epoch, i).sample);
  return samples;
}

SampleOrder Make(Sampling sampling, uint64_t seed, int64_t size,
                 const std::vector<int64_t>& labels = {}) {
  return *SampleOrder::Create(sampling, seed, size, labels);
}

TEST(OrderTest, ShuffleTakesEverySampleOnceAtEverySize) {
  for (const int64_t size : {1, 2, 3, 4, 5, 16, 17, 63, 64, 65, 1000, 4097}) {
    std::vector<int64_t> samples = Epoch(Make(Sampling::kShuffle, 7, size), 3);
    std::sort(samples.begin(), samples.end());
    std::vector<int64_t> all(size);
    std::iota(all.begin(), all.end(), 0);
    EXPECT_EQ(samples, all) << size;
  }
}

TEST(OrderTest, EpochsAndSeedsDiffer) {
  const SampleOrder order = Make(Sampling::kShuffle, 1, 200);
  EXPECT_NE(Epoch(order, 0), Epoch(order, 1));
  EXPECT_NE(Epoch(order, 0), Epoch(Make(Sampling::kShuffle, 2, 200), 0));
  EXPECT_EQ(Epoch(order, 5), Epoch(Make(Sampling::kShuffle, 1, 200), 5));
}

// Over many epochs a sample is at every place about equally often. The count is binomial (4000
// trials, p = 1/10: mean 400, deviation 19); six deviations.
TEST(OrderTest, EveryPlaceIsAboutEquallyLikely) {
  constexpr int kSize = 10;
  constexpr int kEpochs = 4000;
  const SampleOrder order = Make(Sampling::kShuffle, 11, kSize);
  std::vector<std::vector<int>> count(kSize, std::vector<int>(kSize));
  for (int epoch = 0; epoch < kEpochs; ++epoch) {
    for (int i = 0; i < kSize; ++i) ++count[i][order.At(epoch, i).sample];
  }
  for (const auto& place : count) {
    for (const int n : place) EXPECT_NEAR(n, kEpochs / kSize, 114);
  }
}

TEST(OrderTest, SequentialKeepsTheOrderOfTheShards) {
  EXPECT_EQ(Epoch(Make(Sampling::kSequential, 9, 4), 2), (std::vector<int64_t>{0, 1, 2, 3}));
}

TEST(OrderTest, ClassBalancedTakesRareClassesAsOftenAsCommonOnes) {
  std::vector<int64_t> labels(90, 0);
  labels.insert(labels.end(), 10, 1);
  labels.insert(labels.end(), 20, -1);
  const SampleOrder order = Make(Sampling::kClassBalanced, 3, 120, labels);
  ASSERT_EQ(order.size(), 120);
  std::map<int64_t, int> by_label;
  std::map<int64_t, std::set<int64_t>> repetitions;
  for (int64_t i = 0; i < 120; ++i) {
    const OrderEntry entry = order.At(0, i);
    ++by_label[labels[entry.sample]];
    EXPECT_TRUE(repetitions[entry.sample].insert(entry.repetition).second)
        << "sample " << entry.sample << " came twice as the same repetition";
  }
  EXPECT_EQ(by_label, (std::map<int64_t, int>{{0, 60}, {1, 60}}));
  for (int64_t rare = 90; rare < 100; ++rare) EXPECT_EQ(repetitions[rare].size(), 6u);
}

TEST(OrderTest, ClassBalancedWithoutLabelsIsRefused) {
  EXPECT_TRUE(absl::IsInvalidArgument(
      SampleOrder::Create(Sampling::kClassBalanced, 0, 3, {-1, -1, -1}).status()));
}

}  // namespace
}  // namespace slimreel
