#include "models/layers/shared_work.h"

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <mutex>
#include <set>
#include <stdexcept>
#include <thread>
#include <vector>

#include "models/layers/conv/batch_norm_groups.h"
#include "models/layers/conv/max_pool.h"
#include "models/layers/dropout.h"

namespace slimreel {
namespace {

class SharedWorkTest : public ::testing::Test {
 protected:
  void SetUp() override { at::set_num_threads(2); }
};

// The first piece waits for the second, so only another thread can begin the second.
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

TEST_F(SharedWorkTest, TheCallersThreadDoesFewValues) {
  const auto caller = std::this_thread::get_id();
  ForEachPiece(100, 10, [&](int64_t) { EXPECT_EQ(std::this_thread::get_id(), caller); });
}

TEST_F(SharedWorkTest, CallsFromInsideAPieceRunInOneThread) {
  std::atomic<int64_t> done{0};
  ForEachPiece(2, 1 << 20, [&](int64_t) {
    const auto outer = std::this_thread::get_id();
    ForEachPiece(50, 1 << 20, [&](int64_t) {
      EXPECT_EQ(std::this_thread::get_id(), outer);
      ++done;
    });
  });
  EXPECT_EQ(done, 100);
}

TEST_F(SharedWorkTest, AnExceptionOfAPieceReachesTheCaller) {
  EXPECT_THROW(ForEachPiece(100, 1 << 20,
                            [](int64_t i) {
                              if (i == 60) throw std::runtime_error("piece 60");
                            }),
               std::runtime_error);
}

// Every layer that uses ForEachPiece, on enough values to be shared, in counts that no
// number of threads divides.
std::vector<at::Tensor> AllSharedLayers(const at::Tensor& x, const at::Tensor& grad) {
  const at::Tensor weight = at::ones({x.size(1)}), bias = at::zeros({x.size(1)});
  const at::Tensor log = at::empty({2, 2, x.size(1)}, at::kDouble);  // of two groups
  const NormCall call{weight, bias, /*group=*/2, 1e-5};
  const Normalised normed = NormaliseGroups(call, x, log);
  const NormGradients of_norm =
      NormaliseBackward(call, x, normed.statistics, grad, {true, true, true});
  const MaxPoolShape pool{{1, 3, 3}, {1, 2, 2}};
  const MaxPooled pooled = MaxPoolForward(pool, x);
  const at::Tensor of_pool = MaxPoolBackward(pool, x.sizes(), pooled.y, pooled.choice);
  StageContext context;
  context.training = true;
  const at::Tensor dropped = Dropout("layer", 0.3).Forward(context, x);
  return {normed.y, log,           of_norm.x, of_norm.weight, of_norm.bias,
          pooled.y, pooled.choice, of_pool,   dropped};
}

TEST_F(SharedWorkTest, BitsDoNotDependOnTheNumberOfThreads) {
  const at::Tensor x = at::randn({3, 7, 5, 33, 31}), grad = at::randn(x.sizes());
  at::set_num_threads(1);
  const std::vector<at::Tensor> alone = AllSharedLayers(x, grad);
  for (const int threads : {2, 3, 5}) {
    at::set_num_threads(threads);
    const std::vector<at::Tensor> together = AllSharedLayers(x, grad);
    for (size_t i = 0; i < alone.size(); ++i) {
      EXPECT_TRUE(at::equal(together[i], alone[i])) << threads << " threads, result " << i;
    }
  }
}

}  // namespace
}  // namespace slimreel
