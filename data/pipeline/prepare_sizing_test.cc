#include "data/pipeline/prepare_sizing.h"

#include <gtest/gtest.h>

namespace slimreel {
namespace {

constexpr int64_t kMiB = int64_t{1} << 20;

TEST(PrepareSizingTest, AnAmpleBudgetGivesAllWantedDecoders) {
  const PrepareSizing sizing = SizePreparation(8, 4096 * kMiB);
  EXPECT_EQ(sizing.num_workers, 8);
  EXPECT_EQ(sizing.memory_bytes, (4096 - 8 * 32) * kMiB);
  EXPECT_FALSE(sizing.lowered);
}

TEST(PrepareSizingTest, ASmallBudgetGivesFewerDecodersButAtLeastOne) {
  const PrepareSizing sizing = SizePreparation(8, 150 * kMiB);
  EXPECT_EQ(sizing.num_workers, 2);  // 75 MiB for decoders
  EXPECT_EQ(sizing.memory_bytes, (150 - 2 * 32) * kMiB);
  EXPECT_TRUE(sizing.lowered);
  EXPECT_EQ(SizePreparation(8, 1000).num_workers, 1);
  EXPECT_EQ(SizePreparation(8, 1000).memory_bytes, 500);
  EXPECT_FALSE(SizePreparation(1, 1000).lowered);
}

TEST(PrepareSizingTest, DecodersAndChunksTogetherStayWithinTheBudget) {
  for (int64_t budget = 64 * kMiB; budget < 8192 * kMiB; budget += 37 * kMiB) {
    for (int wanted = 1; wanted <= 64; wanted += 3) {
      const PrepareSizing sizing = SizePreparation(wanted, budget);
      EXPECT_LE(sizing.num_workers * kDecoderBytes + sizing.memory_bytes, budget);
      EXPECT_GE(sizing.memory_bytes, budget / 2);
      EXPECT_LE(sizing.num_workers, wanted);
    }
  }
}

}  // namespace
}  // namespace slimreel
