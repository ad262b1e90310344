#include "memory/manager/process_memory.h"

#include <ATen/Functions.h>
#include <c10/util/Exception.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "base/test_files.h"
#include "memory/tracking/cpu_allocator.h"

namespace slimreel {
namespace {

constexpr int64_t kMiB = 1 << 20;

// A machine of 8 GiB with 2 GiB available, and a v1 control group of `limit` with `used`.
std::string MadeMachine(const std::string& name, int64_t limit_mib, int64_t used_mib) {
  const std::string root = TestFolder(name);
  WriteTestFile(root + "/proc/meminfo",
                "MemTotal: 8388608 kB\nMemAvailable: 2097152 kB\nSwapFree: 0 kB\n");
  WriteTestFile(root + "/proc/self/status", "VmHWM: 4096 kB\nVmRSS: 2048 kB\nRssFile: 0 kB\n");
  WriteTestFile(root + "/proc/self/cgroup", "4:memory:/group\n");
  const std::string group = root + "/sys/fs/cgroup/memory/group/memory.";
  WriteTestFile(group + "limit_in_bytes", absl::StrCat(limit_mib * kMiB));
  WriteTestFile(group + "usage_in_bytes", absl::StrCat((used_mib + 10) * kMiB));
  WriteTestFile(group + "stat", absl::StrCat("total_inactive_file ", 10 * kMiB, "\n"));
  return root;
}

TEST(ProcessMemoryTest, TheHostIsTheLimitThatIsUsedUpMost) {
  struct Case {
    int64_t limit_mib, used_mib;
    std::string origin;
    int64_t taken_mib, left_mib;
  };
  const Case cases[] = {
      {1024, 900, "cgroup v1", 900, 124},
      {1024, 100, "physical memory", 6144, 924},  // the group has less left, but uses less
      {16384, 15000, "cgroup v1", 15000, 1384},
      {16384, 1000, "physical memory", 6144, 2048},
  };
  for (const Case& c : cases) {
    const std::string root = MadeMachine("machine", c.limit_mib, c.used_mib);
    const MemoryReading reading = MakeProcessMemory(at::kCPU, {}, root)->Read();
    EXPECT_EQ(reading.host.origin, c.origin);
    EXPECT_EQ(reading.host.taken_bytes, c.taken_mib * kMiB);
    EXPECT_EQ(reading.host_left_bytes, c.left_mib * kMiB);
    EXPECT_EQ(reading.host.live_bytes, 2 * kMiB);
    EXPECT_EQ(reading.host.peak_live_bytes, 4 * kMiB);
  }
}

TEST(ProcessMemoryTest, AMachineWithoutProcIsNeverUnderPressure) {
  const MemoryReading reading = MakeProcessMemory(at::kCPU, {}, TestFolder("nothing"))->Read();
  EXPECT_EQ(reading.host.share(), 0.0);
}

TEST(ProcessMemoryTest, ThisMachineIsRead) {
  const MemoryReading reading = MakeProcessMemory(at::kCPU, {})->Read();
  EXPECT_GT(reading.host.live_bytes, kMiB);
  EXPECT_GT(reading.host.ceiling_bytes, reading.host.live_bytes);
  EXPECT_GT(reading.host_left_bytes, 0);
  EXPECT_EQ(reading.device.ceiling_bytes, 0) << "no budget";
}

TEST(ProcessMemoryTest, TheDeviceIsTheAllocatorsCountUnderTheBudget) {
  ReleaseKeptCpuBlocks();
  const auto memory = MakeProcessMemory(at::kCPU, {.bytes = 512 * kMiB, .origin = "memory.budget"});
  memory->ResetDevicePeak();
  const PoolReading before = memory->ReadDevice();
  { const at::Tensor dropped = at::empty({8 * kMiB}, at::kByte); }
  const at::Tensor live = at::empty({3 * kMiB}, at::kByte);
  const PoolReading reading = memory->ReadDevice();
  EXPECT_EQ(reading.live_bytes - before.live_bytes, 3 * kMiB);
  EXPECT_EQ(reading.peak_live_bytes - before.live_bytes, 8 * kMiB);
  EXPECT_GE(reading.taken_bytes - before.live_bytes, 7 * kMiB) << "live and kept";
  EXPECT_EQ(reading.ceiling_bytes, 512 * kMiB);
  EXPECT_EQ(reading.origin, "memory.budget");
  memory->ResetDevicePeak();
  EXPECT_EQ(memory->ReadDevice().peak_live_bytes, reading.live_bytes);
  EXPECT_GE(ReadCpuMemory().peak_live_bytes, before.live_bytes + 8 * kMiB) << "the run's stays";
}

TEST(ProcessMemoryTest, TheCeilingRefusesTensorsOnTheHostUntilItIsLifted) {
  const auto memory = MakeProcessMemory(at::kCPU, {});
  memory->SetCeiling(ReadCpuMemory().live_bytes + kMiB);
  EXPECT_THROW(at::empty({2 * kMiB}, at::kByte), c10::OutOfMemoryError);
  MakeProcessMemory(c10::Device(at::kCUDA, 0), {})->SetCeiling(1);
  EXPECT_NO_THROW(at::empty({kMiB / 2}, at::kByte)) << "an accelerator's tensors are not here";
  memory->SetCeiling(0);
  EXPECT_NO_THROW(at::empty({2 * kMiB}, at::kByte));
}

}  // namespace
}  // namespace slimreel
