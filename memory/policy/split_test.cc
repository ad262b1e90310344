#include "memory/policy/split.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace slimreel {
namespace {

TEST(SplitTest, ShortLastMicroBatchHoldsTheRest) {
  EXPECT_EQ(SplitBatch(8, 3, 0), (std::vector<MicroBatch>{{0, 3}, {3, 3}, {6, 2}}));
  EXPECT_EQ(SplitBatch(5, 8, 0), (std::vector<MicroBatch>{{0, 5}}));
  EXPECT_TRUE(SplitBatch(0, 4, 0).empty());
}

TEST(SplitTest, MicroBatchesStartAtNormalisationGroups) {
  EXPECT_EQ(SplitBatch(8, 3, 2), (std::vector<MicroBatch>{{0, 2}, {2, 2}, {4, 2}, {6, 2}}));
  EXPECT_EQ(SplitBatch(7, 1, 4), (std::vector<MicroBatch>{{0, 4}, {4, 3}}));
}

TEST(SplitTest, GroupsAreThoseOfTheBatchHoweverItIsCut) {
  EXPECT_EQ(NumNormGroups(7, 4, 2), 4);
  EXPECT_EQ(NumNormGroups(7, 2, 2), 4);
  EXPECT_EQ(NumNormGroups(7, 4, 0), 2);
  EXPECT_EQ(NumNormGroups(7, 1, 0), 7);
}

TEST(SplitTest, EverySampleIsInOneMicroBatch) {
  for (int64_t batch = 1; batch < 20; ++batch) {
    for (int64_t micro = 1; micro < 20; ++micro) {
      for (int64_t group : {0, 1, 2, 3, 8}) {
        int64_t next = 0;
        for (const MicroBatch& run : SplitBatch(batch, micro, group)) {
          EXPECT_EQ(run.first, next);
          EXPECT_GT(run.count, 0);
          EXPECT_EQ(run.first % std::max<int64_t>(group, 1), 0);
          next += run.count;
        }
        EXPECT_EQ(next, batch);
      }
    }
  }
}

TEST(SplitTest, HalvingEndsAtOneOrAtTheGroup) {
  EXPECT_EQ(HalfMicroBatch(8, 0), 4);
  EXPECT_EQ(HalfMicroBatch(5, 0), 2);
  EXPECT_EQ(HalfMicroBatch(1, 0), 1);
  EXPECT_EQ(HalfMicroBatch(12, 4), 4);  // 6 is not a multiple
  EXPECT_EQ(HalfMicroBatch(4, 4), 4);
  EXPECT_EQ(HalfMicroBatch(3, 4), 3);  // a batch shorter than its group
}

}  // namespace
}  // namespace slimreel
