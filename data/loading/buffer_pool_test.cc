#include "data/loading/buffer_pool.h"

#include <gtest/gtest.h>

#include <cstring>
#include <set>
#include <thread>

#include "base/failing_new.h"

namespace slimreel {
namespace {

TEST(BufferPoolTest, BuffersAreAlignedAndReused) {
  const std::shared_ptr<BufferPool> pool = BufferPool::Create(1000);
  const uint8_t* first = nullptr;
  {
    const std::shared_ptr<uint8_t> buffer = *pool->Acquire();
    first = buffer.get();
    EXPECT_EQ(reinterpret_cast<uintptr_t>(first) % 64, 0u);
    std::memset(buffer.get(), 1, 1000);
  }
  EXPECT_EQ(pool->Acquire()->get(), first);
  EXPECT_EQ(pool->allocated_bytes(), 1024);
}

TEST(BufferPoolTest, ABufferReturnsEvenIfNoMemoryIsLeft) {
  const std::shared_ptr<BufferPool> pool = BufferPool::Create(1000);
  std::vector<std::shared_ptr<uint8_t>> held;
  for (int i = 0; i < 20; ++i) held.push_back(*pool->Acquire());
  {
    const FailingNew failing(0, FailingNew::kAllLater);
    for (std::shared_ptr<uint8_t>& buffer : held) buffer.reset();
  }
  EXPECT_EQ(FailingNew::TakeNumFailed(), 0);
}

TEST(BufferPoolTest, BuffersInUseAreDistinctAndCounted) {
  const std::shared_ptr<BufferPool> pool = BufferPool::Create(64);
  std::vector<std::shared_ptr<uint8_t>> held;
  std::set<const uint8_t*> places;
  for (int i = 0; i < 5; ++i) {
    held.push_back(*pool->Acquire());
    places.insert(held.back().get());
  }
  EXPECT_EQ(places.size(), 5u);
  EXPECT_EQ(pool->allocated_bytes(), 5 * 64);
  held.clear();
  EXPECT_EQ(pool->allocated_bytes(), 5 * 64);
}

TEST(BufferPoolTest, TrimGivesBackFreeBuffersOnly) {
  const std::shared_ptr<BufferPool> pool = BufferPool::Create(64);
  EXPECT_EQ(pool->Trim(), 0);
  std::vector<std::shared_ptr<uint8_t>> held;
  for (int i = 0; i < 5; ++i) held.push_back(*pool->Acquire());
  held.resize(2);
  EXPECT_EQ(pool->Trim(), 3 * 64);
  EXPECT_EQ(pool->allocated_bytes(), 2 * 64);
  for (const std::shared_ptr<uint8_t>& buffer : held) std::memset(buffer.get(), 1, 64);
  held.clear();
  EXPECT_EQ(pool->Trim(), 2 * 64);
  EXPECT_TRUE(pool->Acquire().ok());
}

TEST(BufferPoolTest, ABufferKeepsItsPoolAlive) {
  std::shared_ptr<BufferPool> pool = BufferPool::Create(64);
  std::shared_ptr<uint8_t> buffer = *pool->Acquire();
  pool.reset();
  std::memset(buffer.get(), 1, 64);
  std::thread([moved = std::move(buffer)]() mutable { moved.reset(); }).join();
}

TEST(BufferPoolTest, MoreMemoryThanTheMachineHasIsAnError) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "sanitizers end the process where malloc would return null";
#endif
  const std::shared_ptr<BufferPool> pool = BufferPool::Create(int64_t{1} << 60);
  EXPECT_TRUE(absl::IsResourceExhausted(pool->Acquire().status()));
  EXPECT_EQ(pool->allocated_bytes(), 0);
}

}  // namespace
}  // namespace slimreel
