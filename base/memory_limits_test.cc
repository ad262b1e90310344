#include "base/memory_limits.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace slimreel {
namespace {

constexpr int64_t kGiB = int64_t{1} << 30;

// The files of a machine with 16 GiB, of which 12 GiB are available.
class LimitsTest : public testing::Test {
 protected:
  void SetUp() override {
    root_ = testing::TempDir() + "/limits_" +
            testing::UnitTest::GetInstance()->current_test_info()->name();
    std::filesystem::remove_all(root_);
    Write("proc/meminfo",
          "MemTotal:       16777216 kB\nMemFree:  1 kB\nMemAvailable:   12582912 kB\n"
          "SwapFree: 1024 kB\n");
  }
  void Write(const std::string& path, const std::string& text) {
    std::filesystem::create_directories(std::filesystem::path(root_ + "/" + path).parent_path());
    std::ofstream(root_ + "/" + path) << text;
  }
  HostMemory Read() { return ReadHostMemory(root_).value(); }
  std::string root_;
};

TEST_F(LimitsTest, BareMachineIsLimitedByItsMemory) {
  const HostMemory host = Read();
  EXPECT_EQ(host.total_bytes, 16 * kGiB);
  EXPECT_EQ(host.available_bytes, 12 * kGiB);
  EXPECT_EQ(host.swap_free_bytes, 1 << 20);
  EXPECT_EQ(host.headroom_bytes(), 12 * kGiB);
  EXPECT_EQ(LowestCeiling(host, std::nullopt).origin, "physical memory");
}

TEST_F(LimitsTest, LowestOfNestedCgroupV2LimitsCounts) {
  Write("proc/self/cgroup", "0::/pod/job/step\n");
  Write("sys/fs/cgroup/pod/memory.max", "4294967296\n");
  Write("sys/fs/cgroup/pod/memory.current", "3221225472\n");
  Write("sys/fs/cgroup/pod/memory.stat", "anon 5\ninactive_file 1073741824\n");
  Write("sys/fs/cgroup/pod/job/memory.max", "max\n");
  Write("sys/fs/cgroup/pod/job/step/memory.max", "8589934592\n");
  const HostMemory host = Read();
  ASSERT_EQ(host.limits.size(), 3);
  EXPECT_EQ(host.limits[0].bytes, 4 * kGiB);
  EXPECT_EQ(host.limits[0].origin, "cgroup v2");
  EXPECT_EQ(host.limits[0].where, "/sys/fs/cgroup/pod/memory.max");
  EXPECT_EQ(host.limits[0].used_bytes, 2 * kGiB) << "file pages can be reclaimed";
  EXPECT_EQ(host.headroom_bytes(), 2 * kGiB);
}

TEST_F(LimitsTest, CgroupV2HighCountsLikeALimit) {
  Write("proc/self/cgroup", "0::/\n");
  Write("sys/fs/cgroup/memory.max", "max\n");
  Write("sys/fs/cgroup/memory.high", "1073741824\n");
  EXPECT_EQ(LowestCeiling(Read(), std::nullopt).bytes, kGiB);
}

TEST_F(LimitsTest, CgroupV1IsReadAndItsUnlimitedIsLeftOut) {
  Write("proc/self/cgroup", "5:cpu:/x\n4:cpuset,memory:/docker/abc\n0::/\n");
  Write("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
  Write("sys/fs/cgroup/memory/docker/abc/memory.limit_in_bytes", "2147483648\n");
  Write("sys/fs/cgroup/memory/docker/abc/memory.usage_in_bytes", "1073741824\n");
  const HostMemory host = Read();
  ASSERT_EQ(host.limits.size(), 2);
  EXPECT_EQ(host.limits[0].origin, "cgroup v1");
  EXPECT_EQ(host.headroom_bytes(), kGiB);
}

TEST_F(LimitsTest, GroupsAboveCountIfTheProcesssGroupIsNotMounted) {
  Write("proc/self/cgroup", "4:memory:/outside/of/the/container\n");
  Write("sys/fs/cgroup/memory/memory.limit_in_bytes", "3221225472\n");
  EXPECT_EQ(LowestCeiling(Read(), std::nullopt).bytes, 3 * kGiB);
}

TEST_F(LimitsTest, RlimitsCountWithWhatIsUsed) {
  Write("proc/self/limits",
        "Limit                     Soft Limit           Hard Limit           Units\n"
        "Max data size             unlimited            unlimited            bytes\n"
        "Max address space         5368709120           unlimited            bytes\n");
  Write("proc/self/status", "VmSize:\t 1048576 kB\n");
  const HostMemory host = Read();
  ASSERT_EQ(host.limits.size(), 2);
  EXPECT_EQ(host.limits[0].origin, "rlimit AS");
  EXPECT_EQ(host.headroom_bytes(), 4 * kGiB);
}

TEST_F(LimitsTest, TheUsersLimitCountsIfLowerAndPercentIsOfTheMachinesLimit) {
  const HostMemory host = Read();
  const Ceiling lower = LowestCeiling(host, ByteSpec{4 * kGiB, 0.0});
  EXPECT_EQ(lower.bytes, 4 * kGiB);
  EXPECT_EQ(lower.origin, "memory.budget");
  EXPECT_EQ(LowestCeiling(host, ByteSpec{64 * kGiB, 0.0}).origin, "physical memory");
  EXPECT_EQ(LowestCeiling(host, ByteSpec{0, 50.0}).bytes, 8 * kGiB);
}

TEST_F(LimitsTest, TheFreeCeilingIsAtMostWhatTheHostHasLeft) {
  HostMemory host;
  host.total_bytes = 16 * kGiB;
  host.available_bytes = 6 * kGiB;
  host.limits = {{"physical memory", "/proc/meminfo", 16 * kGiB, 10 * kGiB}};
  const std::string key = "memory.host_budget";
  const Ceiling all = LowestFreeCeiling(host, ByteSpec{0, 100.0}, key);
  EXPECT_EQ(all.bytes, 6 * kGiB);
  EXPECT_EQ(all.origin, "what the host has left");
  const Ceiling asked = LowestFreeCeiling(host, ByteSpec{5 * kGiB, 0.0}, key);
  EXPECT_EQ(asked.bytes, 5 * kGiB);
  EXPECT_EQ(asked.origin, key);
  // A container that uses most of what it may.
  host.limits.insert(host.limits.begin(), {"cgroup v2", "memory.max", 4 * kGiB, 3 * kGiB});
  EXPECT_EQ(LowestFreeCeiling(host, ByteSpec{0, 50.0}, key).bytes, kGiB);
}

TEST_F(LimitsTest, CodeThatTheProcessRunsInIsNotFreeMemoryOfItsGroup) {
  Write("proc/self/cgroup", "0::/job\n");
  Write("sys/fs/cgroup/job/memory.max", "4294967296\n");
  Write("sys/fs/cgroup/job/memory.current", "3221225472\n");
  Write("sys/fs/cgroup/job/memory.stat", "inactive_file 1073741824\n");
  Write("proc/self/status", "RssFile:\t 262144 kB\n");
  EXPECT_EQ(Read().limits[0].used_bytes, 2 * kGiB + kGiB / 4);
  Write("proc/self/status", "RssFile:\t 4194304 kB\n");
  EXPECT_EQ(Read().limits[0].used_bytes, 3 * kGiB) << "no more than the group has";
}

// A group of 4 GiB that uses 1.5 GiB, 1 GiB of it for tensors.
class TensorCeilingTest : public LimitsTest {
 protected:
  void SetUp() override {
    LimitsTest::SetUp();
    Write("proc/self/cgroup", "0::/job\n");
    Write("sys/fs/cgroup/job/memory.max", "4294967296\n");
    Write("sys/fs/cgroup/job/memory.current", "1610612736\n");
  }
  static Ceiling Of(const HostMemory& host, std::optional<ByteSpec> user = {}) {
    return TensorCeiling(
        host, {.tensor_bytes = kGiB, .coming_bytes = kGiB / 4, .coming_address_bytes = kGiB / 8},
        user);
  }
};

TEST_F(TensorCeilingTest, AGroupLeavesWhatIsNotInUseBesideTensorsLessWhatIsComing) {
  const Ceiling ceiling = Of(Read());
  EXPECT_EQ(ceiling.bytes, 4 * kGiB - kGiB / 2 - kGiB / 4);
  EXPECT_EQ(ceiling.origin, "cgroup v2");
  EXPECT_EQ(ceiling.stated_bytes, 4 * kGiB);
  EXPECT_EQ(ceiling.outside_bytes, kGiB / 2);
  EXPECT_EQ(ceiling.coming_bytes, kGiB / 4);
  EXPECT_EQ(DescribeCeiling(ceiling),
            "3.25 GiB (cgroup v2: 4 GiB, less 512 MiB in use and 256 MiB reserved outside of "
            "tensors)");
}

TEST_F(TensorCeilingTest, TheUsersBudgetStandsUnlessTheMachineHasLess) {
  const Ceiling lower = Of(Read(), ByteSpec{3 * kGiB, 0.0});
  EXPECT_EQ(lower.bytes, 3 * kGiB) << "not reduced: it counts tensors only";
  EXPECT_EQ(lower.origin, "memory.budget");
  EXPECT_EQ(lower.stated_bytes, 3 * kGiB);
  EXPECT_EQ(DescribeCeiling(lower), "3 GiB (memory.budget)");
  const Ceiling reduced = Of(Read(), ByteSpec{0, 90.0});
  EXPECT_EQ(reduced.bytes, 4 * kGiB - kGiB / 2 - kGiB / 4);
  EXPECT_EQ(reduced.origin, "cgroup v2");
  EXPECT_EQ(reduced.stated_bytes, 4 * kGiB * 9 / 10) << "what is in use does not move it";
  EXPECT_EQ(Of(Read(), ByteSpec{0, 50.0}).bytes, 2 * kGiB) << "per cent of the limit as stated";
}

TEST_F(TensorCeilingTest, OnlyAnRlimitCountsAddressesThatStayEmpty) {
  Write("proc/self/limits", "Max address space         4294967296     unlimited     bytes\n");
  Write("proc/self/status", "VmSize:\t 1572864 kB\n");
  const Ceiling ceiling = Of(Read());
  EXPECT_EQ(ceiling.origin, "rlimit AS");
  EXPECT_EQ(ceiling.bytes, 4 * kGiB - kGiB / 2 - kGiB / 4 - kGiB / 8);
}

TEST_F(TensorCeilingTest, WhatOthersHoldBoundsThoughAnotherLimitIsLower) {
  // The group has a higher limit than this process's own, but its neighbours use it.
  Write("sys/fs/cgroup/job/memory.current", "4026531840\n");
  Write("proc/self/limits", "Max data size         3221225472     unlimited     bytes\n");
  Write("proc/self/status", "VmData:\t 1048576 kB\n");
  const Ceiling ceiling = Of(Read());
  EXPECT_EQ(ceiling.origin, "cgroup v2");
  EXPECT_EQ(ceiling.bytes, kGiB + kGiB / 4 - kGiB / 4);
  EXPECT_EQ(ceiling.stated_bytes, 3 * kGiB);
}

TEST_F(TensorCeilingTest, ALimitThatIsUsedUpLeavesNothing) {
  Write("sys/fs/cgroup/job/memory.current", "8053063680\n");
  EXPECT_LE(Of(Read()).bytes, 0);
}

TEST_F(TensorCeilingTest, PhysicalMemoryCountsAsFarAsItIsAvailable) {
  std::filesystem::remove_all(root_ + "/sys");
  const Ceiling ceiling = Of(Read());
  EXPECT_EQ(ceiling.origin, "physical memory");
  EXPECT_EQ(ceiling.bytes, 12 * kGiB + kGiB - kGiB / 4);
  EXPECT_EQ(ceiling.stated_bytes, 16 * kGiB);
}

TEST(DeviceCeilingTest, IsWhatIsFreeOrTheUsersLimit) {
  const Ceiling free = DeviceCeiling(8 * kGiB, 5 * kGiB, "cuda:0", {});
  EXPECT_EQ(free.bytes, 5 * kGiB);
  EXPECT_EQ(free.origin, "cuda:0");
  EXPECT_EQ(free.stated_bytes, 8 * kGiB);
  EXPECT_EQ(DeviceCeiling(8 * kGiB, 5 * kGiB, "cuda:0", ByteSpec{0, 50.0}).bytes, 4 * kGiB);
  EXPECT_EQ(DeviceCeiling(8 * kGiB, 5 * kGiB, "cuda:0", ByteSpec{6 * kGiB, 0}).bytes, 5 * kGiB);
}

TEST(WorkingCeilingTest, IsTheUsersOrAQuarterOfWhatIsFreeUpToFourGiB) {
  HostMemory host;
  host.limits = {{"physical memory", "/proc/meminfo", 16 * kGiB, 8 * kGiB}};
  host.available_bytes = 8 * kGiB;
  const std::string key = "memory.host_budget";
  EXPECT_EQ(WorkingCeiling(host, ByteSpec{5 * kGiB, 0.0}, key).bytes, 5 * kGiB);
  EXPECT_EQ(WorkingCeiling(host, ByteSpec{9 * kGiB, 0.0}, key).bytes, 8 * kGiB);
  EXPECT_EQ(WorkingCeiling(host, {}, key).bytes, 2 * kGiB);
  host.limits = {{"physical memory", "/proc/meminfo", 160 * kGiB, 80 * kGiB}};
  host.available_bytes = 80 * kGiB;
  EXPECT_EQ(WorkingCeiling(host, {}, key).bytes, 4 * kGiB);
}

TEST_F(LimitsTest, MissingProcIsAnError) {
  std::filesystem::remove_all(root_ + "/proc");
  EXPECT_EQ(ReadHostMemory(root_).status().code(), absl::StatusCode::kUnavailable);
}

TEST(LimitsOfThisMachineTest, AreReadable) {
  const auto host = ReadHostMemory();
  ASSERT_TRUE(host.ok()) << host.status();
  EXPECT_GT(host->total_bytes, 0);
  EXPECT_GT(host->headroom_bytes(), 0);
}

}  // namespace
}  // namespace slimreel
