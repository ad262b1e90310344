#include "data/pipeline/ordered_queue.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace slimreel {
namespace {

TEST(OrderedQueueTest, ItemsComeInTheOrderOfTheInputsForEveryBound) {
  constexpr int kInputs = 40;
  for (const QueuedBytes bytes : {QueuedBytes{2, 0}, QueuedBytes{0, 2}, QueuedBytes{2, 2}}) {
    OrderedQueue<int> queue(kInputs, {.memory = 3, .disk = 3});
    std::vector<std::thread> workers;
    for (int w = 0; w < 4; ++w) {
      workers.emplace_back([&queue, &bytes] {
        while (const auto input = queue.Claim()) {
          for (int item = 0; item < 5; ++item) queue.Push(*input, item, bytes, item == 4);
        }
      });
    }
    for (int expected = 0; expected < kInputs * 5; ++expected) {
      const auto popped = queue.Pop();
      ASSERT_TRUE(popped.has_value());
      EXPECT_EQ(popped->first * 5 + popped->second, expected);
    }
    EXPECT_FALSE(queue.Pop().has_value());
    for (std::thread& worker : workers) worker.join();
  }
}

// One worker is ahead, while the taker is busy with many items of the input before it.
void ExpectNoMoreThanThreeAhead(const QueuedBytes& bytes) {
  constexpr int kItems = 100;
  OrderedQueue<int> queue(2, {.memory = 3, .disk = 3});
  std::atomic<int> ahead = 0;
  std::thread worker([&] {
    for (int i = 0; i < kItems; ++i) {
      EXPECT_TRUE(queue.Push(1, i, bytes, i + 1 == kItems));
      ++ahead;
    }
  });
  while (ahead < 3) std::this_thread::yield();
  for (int i = 0; i < 2000; ++i) {
    ASSERT_TRUE(queue.Push(0, i, bytes, false));
    EXPECT_EQ(queue.Pop()->second, i);
    EXPECT_EQ(ahead, 3);
    std::this_thread::yield();
  }
  ASSERT_TRUE(queue.Push(0, 0, {}, true));
  EXPECT_EQ(queue.Pop()->first, 0);
  for (int i = 0; i < kItems; ++i) EXPECT_EQ(queue.Pop()->second, i);
  worker.join();
}

TEST(OrderedQueueTest, BytesInMemoryMakeAWorkerWait) { ExpectNoMoreThanThreeAhead({1, 0}); }

TEST(OrderedQueueTest, BytesOnTheDiskMakeAWorkerWait) { ExpectNoMoreThanThreeAhead({0, 1}); }

// Everything runs in one thread, so a wait would never end.
TEST(OrderedQueueTest, TheAwaitedInputNeverWaits) {
  OrderedQueue<int> queue(2, {.memory = 1, .disk = 1});
  ASSERT_TRUE(queue.Push(1, 10, {1, 1}, false));
  for (const int item : {0, 1}) {
    ASSERT_TRUE(queue.Push(0, item, {5, 5}, item == 1));
    const auto popped = queue.Pop();
    ASSERT_TRUE(popped.has_value());
    EXPECT_EQ(popped->first, 0);
    EXPECT_EQ(popped->second, item);
  }
}

TEST(OrderedQueueTest, AnItemOfZeroBytesAlwaysHasRoom) {
  OrderedQueue<int> queue(2, {.memory = 1, .disk = 1});
  ASSERT_TRUE(queue.Push(1, 10, {1, 1}, false));
  ASSERT_TRUE(queue.Push(1, 11, {}, true));
  ASSERT_TRUE(queue.Push(0, 0, {}, true));
  for (const int expected : {0, 10, 11}) EXPECT_EQ(queue.Pop()->second, expected);
  EXPECT_FALSE(queue.Pop().has_value());
}

TEST(OrderedQueueTest, ClosingEndsAllWaits) {
  OrderedQueue<int> queue(2, {.memory = 1, .disk = 1});
  ASSERT_TRUE(queue.Push(0, 1, {1, 0}, false));
  std::thread worker([&queue] { EXPECT_FALSE(queue.Push(1, 1, {1, 0}, true)); });
  queue.Close();
  worker.join();
  EXPECT_FALSE(queue.Pop().has_value());
}

}  // namespace
}  // namespace slimreel
