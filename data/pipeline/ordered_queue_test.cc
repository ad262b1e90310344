#include "data/pipeline/ordered_queue.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace slimreel {
namespace {

TEST(OrderedQueueTest, ItemsComeInTheOrderOfTheInputsWhateverTheBound) {
  constexpr int kInputs = 40;
  OrderedQueue<int> queue(kInputs, /*max_bytes=*/3);
  std::vector<std::thread> workers;
  for (int w = 0; w < 4; ++w) {
    workers.emplace_back([&queue] {
      while (const auto input = queue.Claim()) {
        for (int item = 0; item < 5; ++item) queue.Push(*input, item, 2, item == 4);
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

TEST(OrderedQueueTest, ClosingEndsAllWaiting) {
  OrderedQueue<int> queue(2, 1);
  ASSERT_TRUE(queue.Push(0, 1, 1, false));
  std::thread worker([&queue] { EXPECT_FALSE(queue.Push(1, 1, 1, true)); });
  queue.Close();
  worker.join();
  EXPECT_FALSE(queue.Pop().has_value());
}

}  // namespace
}  // namespace slimreel
