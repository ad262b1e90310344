#include "memory/tracking/warm_up.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Functions.h>
#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <iterator>

#include "memory/tracking/cpu_allocator.h"

namespace slimreel {
namespace {

int64_t NumThreads() {
  const std::filesystem::directory_iterator tasks("/proc/self/task");
  return std::distance(begin(tasks), end(tasks));
}

TEST(WarmUpTest, StartsTheTeamAndLeavesNothingElse) {
  ReleaseKeptCpuBlocks();
  ResetCpuPeaks();
  const CpuMemoryReading before = ReadCpuMemory();
  const at::Tensor state = at::detail::getDefaultCPUGenerator().get_state();
  at::set_num_threads(3);
  WarmUpCpu();
  EXPECT_GE(NumThreads(), 3);
  const int64_t threads = NumThreads();
  const CpuMemoryReading after = ReadCpuMemory();
  EXPECT_EQ(after.reserved_bytes - before.reserved_bytes, static_cast<int64_t>(state.nbytes()));
  EXPECT_EQ(after.peak_reserved_bytes, after.reserved_bytes);
  EXPECT_TRUE(at::equal(state, at::detail::getDefaultCPUGenerator().get_state()));
  at::ones({1 << 20}).add_(1);
  EXPECT_EQ(NumThreads(), threads) << "a step starts no further thread";
}

}  // namespace
}  // namespace slimreel
