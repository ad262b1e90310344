#include "memory/paging/pager.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/equal.h>
#include <gtest/gtest.h>

#include "memory/paging/host_pool.h"
#include "memory/tracking/allocation_fault.h"
#include "memory/tracking/cpu_allocator.h"

namespace slimreel {
namespace {

constexpr int64_t kHostBytes = 1000;

// Five pages. Some have two ranges, some end at odd bytes, and bytes 900 to 999 are in no page.
std::vector<PageRanges> Pages() {
  return {{{0, 100}}, {{128, 64}, {448, 70}}, {{192, 256}}, {{576, 1}}, {{640, 260}}};
}

at::Tensor HostBlock(HostPool& pool) {
  at::Tensor host = pool.Allocate(kHostBytes, at::kCPU);
  host.copy_(at::arange(kHostBytes, at::kLong).remainder(251));
  return host;
}

// Adds page number + 1 to every byte of every page.
void Work(Pager& pager) {
  pager.Start();
  for (int page = 0; page < static_cast<int>(Pages().size()); ++page) {
    pager.Await(page);
    pager.Buffer(page).add_(page + 1);
    pager.Done(page);
  }
  pager.Synchronize();
}

TEST(PagerTest, WorkOnTheBuffersIsWorkOnTheHostBlock) {
  HostPool pool;
  at::Tensor host = HostBlock(pool);
  at::Tensor expected = host.clone();
  int64_t number = 0;
  for (const PageRanges& page : Pages()) {
    ++number;
    for (const PageRange& range : page) {
      expected.narrow(0, range.first, range.count).add_(2 * number);
    }
  }
  Pager pager(host, at::kCPU, Pages());
  Work(pager);
  Work(pager);
  EXPECT_TRUE(at::equal(host, expected));
}

TEST(PagerTest, TheDeviceHoldsTwoPagesAndTheHostTheRest) {
  HostPool pool;
  const at::Tensor host = HostBlock(pool);
  const int64_t before = ReadCpuMemory().live_bytes;
  const Pager pager(host, at::kCPU, Pages());
  // Page 4 is the largest of even number. Page 1: 64, then 70 from byte 64 on.
  EXPECT_EQ(pager.buffer_bytes(), 260 + 134);
  EXPECT_EQ(ReadCpuMemory().live_bytes - before, 260 + 134);
  EXPECT_EQ(pool.live_bytes(), kHostBytes);
}

TEST(PagerTest, PagingTakesNoDeviceMemory) {
  HostPool pool;
  Pager pager(HostBlock(pool), at::kCPU, Pages());
  const AllocationFault counter(AllocationFault::kNever);
  pager.Start();
  for (int page = 0; page < static_cast<int>(Pages().size()); ++page) {
    pager.Await(page);
    pager.Done(page);
  }
  EXPECT_EQ(counter.num_seen(), 0);
}

// After out of memory the same call comes again.
TEST(PagerTest, ACallMayComeTwice) {
  HostPool pool;
  at::Tensor host = HostBlock(pool);
  const at::Tensor before = host.clone();
  Pager pager(host, at::kCPU, Pages());
  pager.Start();
  pager.Start();
  pager.Await(0);
  pager.Await(0);
  pager.Buffer(0).add_(1);
  pager.Done(0);
  pager.Done(0);
  EXPECT_TRUE(at::equal(host.narrow(0, 0, 100), before.narrow(0, 0, 100).add(1)));
}

TEST(PagerTest, NoPagesNeedNothing) {
  HostPool pool;
  Pager pager(pool.Allocate(0, at::kCPU), at::kCPU, {});
  pager.Start();
  pager.Synchronize();
  EXPECT_EQ(pager.buffer_bytes(), 0);
}

}  // namespace
}  // namespace slimreel
