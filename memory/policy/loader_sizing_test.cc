#include "memory/policy/loader_sizing.h"

#include <gtest/gtest.h>

namespace slimreel {
namespace {

constexpr int64_t kBatch = 1 << 20;

LoaderSizingRequest Auto(int64_t cores, int64_t step_threads) {
  LoaderSizingRequest request;
  request.cores = cores;
  request.step_threads = step_threads;
  request.batch_bytes = kBatch;
  request.in_use_bytes = kBatch;
  return request;
}

TEST(LoaderSizingTest, AutoTakesTheCoresThatTheStepLeavesButAtLeastOne) {
  EXPECT_EQ(SizeLoader(Auto(2, 2)).num_workers, 1);
  EXPECT_EQ(SizeLoader(Auto(1, 4)).num_workers, 1);
  EXPECT_EQ(SizeLoader(Auto(8, 5)).num_workers, 3);
  EXPECT_EQ(SizeLoader(Auto(64, 1)).num_workers, kMaxAutoWorkers);
}

TEST(LoaderSizingTest, AutoKeepsOneBatchReadyAndOneInTheMakingPerWorker) {
  const LoaderSizing sizing = SizeLoader(Auto(4, 1));
  EXPECT_EQ(sizing.prefetch_batches, 6);
  EXPECT_EQ(sizing.buffer_bytes, 7 * kBatch) << "one more is in use";
  EXPECT_FALSE(sizing.lowered);
}

TEST(LoaderSizingTest, NumbersFromTheUserAreKept) {
  LoaderSizingRequest request = Auto(2, 2);
  request.num_workers = 5;
  request.prefetch_factor = 3;
  EXPECT_EQ(SizeLoader(request).num_workers, 5);
  EXPECT_EQ(SizeLoader(request).prefetch_batches, 15);
  request.num_workers = 0;
  EXPECT_EQ(SizeLoader(request).prefetch_batches, 0) << "nothing is made ahead without a thread";
  EXPECT_EQ(SizeLoader(request).buffer_bytes, kBatch);
}

TEST(LoaderSizingTest, ABudgetTakesBatchesFirstAndThenIdleThreads) {
  LoaderSizingRequest request = Auto(9, 1);  // wants 8 threads, 16 batches
  request.budget_bytes = 13 * kBatch;
  EXPECT_EQ(SizeLoader(request).num_workers, 8);
  EXPECT_EQ(SizeLoader(request).prefetch_batches, 12);
  EXPECT_TRUE(SizeLoader(request).lowered);
  request.budget_bytes = 4 * kBatch + 1;
  EXPECT_EQ(SizeLoader(request).num_workers, 3);
  EXPECT_EQ(SizeLoader(request).prefetch_batches, 3);
}

TEST(LoaderSizingTest, BuffersNeverPassTheBudgetAndABudgetBelowWhatIsInUseDoesNotFit) {
  LoaderSizingRequest request = Auto(4, 1);
  for (request.in_use_bytes = kBatch; request.in_use_bytes <= 3 * kBatch;
       request.in_use_bytes += kBatch * 2 / 3) {
    for (request.budget_bytes = kBatch / 4; request.budget_bytes < 12 * kBatch;
         request.budget_bytes += kBatch / 4) {
      const LoaderSizing sizing = SizeLoader(request);
      EXPECT_EQ(sizing.fits, request.budget_bytes >= request.in_use_bytes);
      if (sizing.fits) {
        EXPECT_LE(sizing.buffer_bytes, request.budget_bytes);
      }
    }
  }
}

}  // namespace
}  // namespace slimreel
