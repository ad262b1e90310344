#include "memory/tracking/page_store.h"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <random>
#include <utility>
#include <vector>

#include "base/failing_new.h"

namespace slimreel {
namespace {

constexpr size_t kMiB = 1 << 20;

using BlockPtr = std::unique_ptr<PageBlock>;

void Fill(const BlockPtr& block, int value) { std::memset(block->base, value, block->bytes); }

bool Holds(const BlockPtr& block, int value) {
  for (size_t i = 0; i < block->bytes; i += 512) {
    if (block->base[i] != static_cast<char>(value)) return false;
  }
  return true;
}

TEST(PageStoreTest, FreedBlockIsReusedWithItsPages) {
  PageStore store;
  BlockPtr block = store.Allocate(kMiB);
  char* const base = block->base;
  store.Free(std::move(block));
  EXPECT_EQ(store.kept_bytes(), kMiB);
  block = store.Allocate(kMiB - 100);
  EXPECT_EQ(block->base, base);
  EXPECT_EQ(store.fresh_bytes(), kMiB);
  store.Free(std::move(block));
}

TEST(PageStoreTest, LargerBlockIsSplitAndItsRestStaysKept) {
  PageStore store;
  store.Free(store.Allocate(4 * kMiB));
  BlockPtr block = store.Allocate(kMiB);
  EXPECT_EQ(block->bytes, kMiB);
  EXPECT_EQ(store.kept_bytes(), 3 * kMiB);
  EXPECT_EQ(store.fresh_bytes(), 4 * kMiB);
  store.Free(std::move(block));
}

TEST(PageStoreTest, SmallBlocksBecomeOneLargeBlockByMovingPages) {
  PageStore store;
  std::vector<BlockPtr> blocks;
  for (int i = 0; i < 4; ++i) blocks.push_back(store.Allocate(kMiB));
  for (BlockPtr& block : blocks) {
    Fill(block, 7);
    store.Free(std::move(block));
  }
  BlockPtr large = store.Allocate(3 * kMiB + kMiB / 2);
  EXPECT_EQ(large->bytes, 3 * kMiB + kMiB / 2);
  EXPECT_TRUE(Holds(large, 7)) << "the pages that were written are the pages that come back";
  EXPECT_EQ(store.fresh_bytes(), 4 * kMiB);
  EXPECT_EQ(store.kept_bytes(), kMiB / 2);
  Fill(large, 9);
  store.Free(std::move(large));
}

TEST(PageStoreTest, MissingPagesAreFreshAndReservedStaysTheSumOfLiveBlocks) {
  PageStore store;
  store.Free(store.Allocate(kMiB));
  BlockPtr large = store.Allocate(3 * kMiB);
  EXPECT_EQ(store.kept_bytes(), 0);
  EXPECT_EQ(store.fresh_bytes(), 3 * kMiB);
  Fill(large, 1);
  store.Free(std::move(large));
}

TEST(PageStoreTest, ReleaseRoundsUpToPages) {
  PageStore store;
  store.Free(store.Allocate(4 * kMiB));
  EXPECT_EQ(store.Release(kMiB - 1), kMiB);
  EXPECT_EQ(store.kept_bytes(), 3 * kMiB);
  EXPECT_EQ(store.Release(100 * kMiB), 3 * kMiB);
  EXPECT_EQ(store.kept_bytes(), 0);
}

TEST(PageStoreTest, RefusalBySystemGivesNoBlock) {
  PageStore store;
  store.Free(store.Allocate(kMiB));
  EXPECT_EQ(store.Allocate(size_t{1} << 60), nullptr);
}

bool IsMapped(const char* page) {
  unsigned char resident = 0;
  return mincore(const_cast<char*>(page), 1, &resident) == 0;
}

// Runs splits, moves and partial releases while operator new fails `count` times, from its `nth`
// call on. Returns false once no call failed. No page is lost: in the end all are given back.
bool TrafficWithRefusedRecords(int64_t nth, int64_t count) {
  PageStore store;
  std::vector<BlockPtr> live;
  std::vector<std::pair<char*, size_t>> ever_live;
  live.reserve(20);
  ever_live.reserve(20);
  {
    const FailingNew failing(nth, count);
    for (size_t bytes : {kMiB, kMiB, 4 * kMiB, kMiB / 2, 3 * kMiB, 5 * kMiB, kMiB / 4, 7 * kMiB}) {
      BlockPtr block = store.Allocate(bytes);
      if (block != nullptr) {
        Fill(block, 3);
        ever_live.emplace_back(block->base, block->bytes);
        live.push_back(std::move(block));
      }
      if (live.size() % 3 == 2) {
        store.Free(std::move(live[0]));
        live.erase(live.begin());
      }
      const int64_t kept = store.kept_bytes();
      const int64_t released = store.Release(kMiB / 8);
      EXPECT_EQ(released, kept - store.kept_bytes());
    }
    for (BlockPtr& block : live) store.Free(std::move(block));
    store.Release(store.kept_bytes());
  }
  EXPECT_EQ(store.kept_bytes(), 0);
  for (const auto& [base, bytes] : ever_live) {
    for (size_t at = 0; at < bytes; at += 4096) EXPECT_FALSE(IsMapped(base + at)) << nth;
  }
  return FailingNew::TakeNumFailed() > 0;
}

TEST(PageStoreTest, RefusedRecordMeansNoBlockAndLosesNoPage) {
  int64_t nth = 0;
  while (TrafficWithRefusedRecords(nth, 1) || TrafficWithRefusedRecords(nth, FailingNew::kAllLater))
    ++nth;
  EXPECT_GT(nth, 4) << "more than four records were taken";
}

// Random traffic: blocks never overlap, they keep their contents, and kept + live bytes never
// exceed the highest sum of live blocks.
TEST(PageStoreTest, RandomTrafficKeepsContentsAndTheBoundOnReserved) {
  PageStore store;
  std::mt19937 random(5);
  std::vector<std::pair<BlockPtr, int>> live;
  int64_t live_bytes = 0, peak = 0;
  for (int step = 0; step < 4000; ++step) {
    if (live.size() < 12 && random() % 2 == 0) {
      const size_t bytes = (32 << 10) + random() % (random() % 2 ? kMiB : kMiB / 8);
      BlockPtr block = store.Allocate(bytes);
      ASSERT_GE(block->bytes, bytes);
      Fill(block, step);
      live_bytes += block->bytes;
      live.emplace_back(std::move(block), step);
    } else if (!live.empty()) {
      const size_t n = random() % live.size();
      ASSERT_TRUE(Holds(live[n].first, live[n].second)) << step;
      live_bytes -= live[n].first->bytes;
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
