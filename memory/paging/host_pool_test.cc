#include "memory/paging/host_pool.h"

#include <ATen/ops/zeros.h>
#include <c10/util/Exception.h>
#include <gtest/gtest.h>

#include <optional>

#include "memory/tracking/cpu_allocator.h"

namespace slimreel {
namespace {

constexpr int64_t kMiB = 1 << 20;

TEST(HostPoolTest, CountsItsBlocksApartFromTheDevice) {
  const int64_t device_before = ReadCpuMemory().live_bytes;
  std::optional<HostPool> pool(std::in_place);
  at::Tensor block = pool->Allocate(3 * kMiB, at::kCPU);
  EXPECT_EQ(pool->live_bytes(), 3 * kMiB);
  EXPECT_EQ(ReadCpuMemory().live_bytes, device_before);
  EXPECT_EQ(block.count_nonzero().item<int64_t>(), 0);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(block.data_ptr()) % 64, 0u);
  at::Tensor part = block.narrow(0, kMiB, kMiB);
  block.reset();
  EXPECT_EQ(pool->live_bytes(), 3 * kMiB) << "a part keeps the block";
  part.reset();
  EXPECT_EQ(pool->live_bytes(), 0);
  EXPECT_EQ(pool->peak_bytes(), 3 * kMiB);
}

TEST(HostPoolTest, ABlockMayOutliveItsPool) {
  std::optional<HostPool> pool(std::in_place);
  at::Tensor block = pool->Allocate(kMiB, at::kCPU);
  pool.reset();
  block.fill_(1);
  EXPECT_EQ(block.count_nonzero().item<int64_t>(), kMiB);
}

TEST(HostPoolTest, RefusesWhatWouldPassItsBudgetAndCountsNothingThen) {
  HostPool pool(4 * kMiB);
  at::Tensor first = pool.Allocate(3 * kMiB, at::kCPU);
  EXPECT_THROW(pool.Allocate(kMiB + 1, at::kCPU), c10::OutOfMemoryError);
  EXPECT_EQ(pool.live_bytes(), 3 * kMiB);
  EXPECT_NO_THROW(pool.Allocate(kMiB, at::kCPU));
  first.reset();
  EXPECT_NO_THROW(pool.Allocate(4 * kMiB, at::kCPU));
}

TEST(HostPoolTest, PageLockedMemoryIsCountedAsItIsTaken) {
  EXPECT_EQ(HostPool::TakenBytes(5 * kMiB, at::kCPU), 5 * kMiB);
  EXPECT_EQ(HostPool::TakenBytes(5 * kMiB, at::Device(at::kCUDA, 0)), 8 * kMiB);
  EXPECT_EQ(HostPool::TakenBytes(8 * kMiB, at::Device(at::kCUDA, 0)), 8 * kMiB);
}

}  // namespace
}  // namespace slimreel
