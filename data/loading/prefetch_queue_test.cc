#include "data/loading/prefetch_queue.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>

namespace slimreel {
namespace {

using Queue = PrefetchQueue<std::unique_ptr<int64_t>>;  // move-only, as batches are

absl::StatusOr<std::unique_ptr<int64_t>> Square(int64_t number) {
  return std::make_unique<int64_t>(number * number);
}

TEST(PrefetchQueueTest, ItemsComeInOrderForAnyNumberOfWorkers) {
  for (const int workers : {0, 1, 2, 8}) {
    for (const int ahead : {1, 2, 16}) {
      Queue queue({.num_workers = workers, .max_ahead = ahead, .num_items = 200}, Square);
      for (int64_t i = 0; i < 200; ++i) ASSERT_EQ(**queue.Next(), i * i);
      EXPECT_TRUE(absl::IsOutOfRange(queue.Next().status()));
      EXPECT_TRUE(absl::IsOutOfRange(queue.Next().status()));
    }
  }
}

TEST(PrefetchQueueTest, NeverMoreThanAllowedIsMadeAhead) {
  std::atomic<int64_t> started = 0;
  int64_t taken = 0;
  // 3 items of 100 bytes fit into 350, whatever max_ahead says.
  const PrefetchOptions options{
      .num_workers = 8, .max_ahead = 16, .item_bytes = 100, .max_bytes = 350, .num_items = -1};
  Queue queue(options, [&](int64_t number) {
    ++started;
    return Square(number);
  });
  for (; taken < 500; ++taken) {
    // Next may release one while we count: taken + 3 is the most that may have begun.
    ASSERT_LE(started.load(), taken + 3);
    ASSERT_TRUE(queue.Next().ok());
  }
}

TEST(PrefetchQueueTest, OneItemIsAllowedUnderABudgetSmallerThanIt) {
  Queue queue({.num_workers = 2, .max_ahead = 4, .item_bytes = 100, .max_bytes = 1, .num_items = 5},
              Square);
  for (int64_t i = 0; i < 5; ++i) ASSERT_EQ(**queue.Next(), i * i);
}

TEST(PrefetchQueueTest, AnErrorComesWhenItsTurnComesAndStays) {
  for (const int workers : {0, 1, 4}) {
    Queue queue({.num_workers = workers, .max_ahead = 4, .num_items = -1},
                [](int64_t number) -> absl::StatusOr<std::unique_ptr<int64_t>> {
                  if (number >= 7) return absl::DataLossError("item " + std::to_string(number));
                  return Square(number);
                });
    for (int64_t i = 0; i < 7; ++i) ASSERT_EQ(**queue.Next(), i * i);
    EXPECT_EQ(queue.Next().status(), absl::DataLossError("item 7"));
    EXPECT_EQ(queue.Next().status(), absl::DataLossError("item 7"));
  }
}

TEST(PrefetchQueueTest, DyingAtAnyMomentNeitherHangsNorLeaks) {
  for (int64_t taken = 0; taken < 20; ++taken) {
    for (const int workers : {1, 2, 8}) {
      Queue queue({.num_workers = workers, .max_ahead = 5, .num_items = 20}, Square);
      for (int64_t i = 0; i < taken; ++i) ASSERT_TRUE(queue.Next().ok());
    }
  }
}

}  // namespace
}  // namespace slimreel
