#include "memory/tracking/page_store.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <random>
#include <utility>

namespace slimreel {
namespace {

constexpr size_t kMiB = 1 << 20;

void Fill(const PageBlock& block, int value) { std::memset(block.base, value, block.bytes); }

bool Holds(const PageBlock& block, int value) {
  for (size_t i = 0; i < block.bytes; i += 512) {
    if (block.base[i] != static_cast<char>(value)) return false;
  }
  return true;
}

TEST(PageStoreTest, FreedBlockIsReusedWithItsPages) {
  PageStore store;
  PageBlock block = store.Allocate(kMiB);
  char* const base = block.base;
  store.Free(std::move(block));
  EXPECT_EQ(store.kept_bytes(), kMiB);
  block = store.Allocate(kMiB - 100);
  EXPECT_EQ(block.base, base);
  EXPECT_EQ(store.fresh_bytes(), kMiB);
  store.Free(std::move(block));
}

TEST(PageStoreTest, LargerBlockIsSplitAndItsRestStaysKept) {
  PageStore store;
  store.Free(store.Allocate(4 * kMiB));
  PageBlock block = store.Allocate(kMiB);
  EXPECT_EQ(block.bytes, kMiB);
  EXPECT_EQ(store.kept_bytes(), 3 * kMiB);
  EXPECT_EQ(store.fresh_bytes(), 4 * kMiB);
  store.Free(std::move(block));
}

TEST(PageStoreTest, SmallBlocksBecomeOneLargeBlockByMovingPages) {
  PageStore store;
  std::vector<PageBlock> blocks;
  for (int i = 0; i < 4; ++i) blocks.push_back(store.Allocate(kMiB));
  for (PageBlock& block : blocks) {
    Fill(block, 7);
    store.Free(std::move(block));
  }
  PageBlock large = store.Allocate(3 * kMiB + kMiB / 2);
  EXPECT_EQ(large.bytes, 3 * kMiB + kMiB / 2);
  EXPECT_TRUE(Holds(large, 7)) << "the pages that were written are the pages that come back";
  EXPECT_EQ(store.fresh_bytes(), 4 * kMiB);
  EXPECT_EQ(store.kept_bytes(), kMiB / 2);
  Fill(large, 9);
  store.Free(std::move(large));
}

TEST(PageStoreTest, WhatIsMissingIsFreshAndReservedStaysTheSumOfLiveBlocks) {
  PageStore store;
  store.Free(store.Allocate(kMiB));
  PageBlock large = store.Allocate(3 * kMiB);
  EXPECT_EQ(store.kept_bytes(), 0);
  EXPECT_EQ(store.fresh_bytes(), 3 * kMiB);
  Fill(large, 1);
  store.Free(std::move(large));
}

TEST(PageStoreTest, ReleaseGivesBackWhatIsAskedForInPages) {
  PageStore store;
  store.Free(store.Allocate(4 * kMiB));
  EXPECT_EQ(store.Release(kMiB - 1), kMiB);
  EXPECT_EQ(store.kept_bytes(), 3 * kMiB);
  EXPECT_EQ(store.Release(100 * kMiB), 3 * kMiB);
  EXPECT_EQ(store.kept_bytes(), 0);
}

TEST(PageStoreTest, RefusalBySystemGivesABlockWithoutBytes) {
  PageStore store;
  store.Free(store.Allocate(kMiB));
  EXPECT_EQ(store.Allocate(size_t{1} << 60).bytes, 0);
}

// Random traffic: blocks never overlap or lose their contents, and kept + live
// never exceeds the highest sum of live blocks.
TEST(PageStoreTest, RandomTrafficKeepsContentsAndTheBoundOnReserved) {
  PageStore store;
  std::mt19937 random(5);
  std::vector<std::pair<PageBlock, int>> live;
  int64_t live_bytes = 0, peak = 0;
  for (int step = 0; step < 4000; ++step) {
    if (live.size() < 12 && random() % 2 == 0) {
      const size_t bytes = (32 << 10) + random() % (random() % 2 ? kMiB : kMiB / 8);
      PageBlock block = store.Allocate(bytes);
      ASSERT_GE(block.bytes, bytes);
      Fill(block, step);
      live_bytes += block.bytes;
      live.emplace_back(std::move(block), step);
    } else if (!live.empty()) {
      const size_t n = random() % live.size();
      ASSERT_TRUE(Holds(live[n].first, live[n].second)) << step;
      live_bytes -= live[n].first.bytes;
      store.Free(std::move(live[n].first));
      live.erase(live.begin() + n);
    }
    peak = std::max(peak, live_bytes);
    ASSERT_LE(live_bytes + store.kept_bytes(), peak);
  }
  EXPECT_GT(store.moved_bytes(), 0);
  for (auto& [block, value] : live) store.Free(std::move(block));
}

}  // namespace
}  // namespace slimreel
