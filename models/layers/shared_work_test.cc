#include "models/layers/shared_work.h"

#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

namespace slimreel {
namespace {

class SharedWorkTest : public ::testing::Test {
 protected:
  void SetUp() override { at::set_num_threads(2); }
};

// The first piece waits for the second, which only another thread can begin meanwhile.
TEST_F(SharedWorkTest, TwoThreadsWorkAtOnce) {
  std::atomic<int> begun{0};
  std::mutex mutex;
  std::set<std::thread::id> threads;
  ForEachPiece(2, 1 << 20, [&](int64_t) {
    ++begun;
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (begun < 2 && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
    const std::lock_guard<std::mutex> lock(mutex);
    threads.insert(std::this_thread::get_id());
  });
  EXPECT_EQ(threads.size(), 2u);
}

TEST_F(SharedWorkTest, EachPieceIsDoneOnceWhateverTheCount) {
  for (const int64_t count : {0, 1, 2, 3, 100, 1001}) {
    std::vector<std::atomic<int>> done(count);
    ForEachPiece(count, 1 << 20, [&](int64_t i) { ++done[i]; });
    for (const auto& times : done) EXPECT_EQ(times, 1) << "of " << count;
  }
}

TEST_F(SharedWorkTest, FewValuesStayWithTheCaller) {
  const auto caller = std::this_thread::get_id();
  ForEachPiece(100, 10, [&](int64_t) { EXPECT_EQ(std::this_thread::get_id(), caller); });
}

TEST_F(SharedWorkTest, InsideOfAThreadsWorkThereIsOneThread) {
  std::atomic<int64_t> done{0};
  at::parallel_for(0, 1, 1,
                   [&](int64_t, int64_t) { ForEachPiece(5, 1 << 20, [&](int64_t) { ++done; }); });
  EXPECT_EQ(done, 5);
}

}  // namespace
}  // namespace slimreel
