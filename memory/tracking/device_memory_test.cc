// Few machines have an accelerator, so these tests make one up: a device type that LibTorch leaves
// to others, an allocator with c10's generic interface, and a settings parser like the one that
// CUDA's library registers.
#include "memory/tracking/device_memory.h"

#include <ATen/Functions.h>
#include <c10/core/AllocatorConfig.h>
#include <c10/core/CachingDeviceAllocator.h>
#include <gtest/gtest.h>

#include <string>

#include "base/exit_code.h"
#include "memory/tracking/accelerator_budget.h"
#include "memory/tracking/cpu_allocator.h"

namespace slimreel {
namespace {

constexpr int64_t kGiB = int64_t{1} << 30;
constexpr auto kAll = static_cast<size_t>(c10::CachingAllocator::StatType::AGGREGATE);
const at::Device kDevice(at::kPrivateUse1, 0);

class MadeUpAllocator final : public c10::DeviceAllocator {
 public:
  bool initialized() override { return in_use; }
  void emptyCache(c10::MempoolId_t /*pool*/) override { ++num_emptied; }
  void recordStream(const c10::DataPtr& /*data*/, c10::Stream /*stream*/) override {}
  c10::CachingDeviceAllocator::DeviceStats getDeviceStats(c10::DeviceIndex /*index*/) override {
    return stats;
  }
  void resetAccumulatedStats(c10::DeviceIndex /*index*/) override {}
  void resetPeakStats(c10::DeviceIndex /*index*/) override { ++num_resets; }
  std::pair<size_t, size_t> getMemoryInfo(c10::DeviceIndex /*index*/) override {
    return {6 * kGiB, 8 * kGiB};
  }
  c10::DataPtr allocate(size_t /*bytes*/) override { return {}; }
  c10::DeleterFnPtr raw_deleter() const override { return nullptr; }
  void copy_data(void* /*to*/, const void* /*from*/, size_t /*count*/) const override {}

  bool in_use = false;
  int num_emptied = 0, num_resets = 0;
  c10::CachingDeviceAllocator::DeviceStats stats;
};

class DeviceMemoryTest : public testing::Test {
 protected:
  void SetUp() override { c10::SetAllocator(at::kPrivateUse1, &allocator_); }
  static MadeUpAllocator allocator_;
};
MadeUpAllocator DeviceMemoryTest::allocator_;

TEST_F(DeviceMemoryTest, AcceleratorIsReadThroughTheGenericInterface) {
  allocator_.stats.requested_bytes[kAll].current = 10;
  allocator_.stats.requested_bytes[kAll].peak = 20;
  allocator_.stats.reserved_bytes[kAll].current = 30;
  allocator_.stats.reserved_bytes[kAll].peak = 40;
  allocator_.stats.num_ooms = 2;
  allocator_.in_use = false;
  EXPECT_EQ(ReadDeviceMemory(kDevice).peak_reserved_bytes, 0) << "not in use: nothing to read";
  allocator_.in_use = true;
  const DeviceMemoryReading reading = ReadDeviceMemory(kDevice);
  EXPECT_EQ(reading.live_bytes, 10);
  EXPECT_EQ(reading.peak_live_bytes, 20);
  EXPECT_EQ(reading.reserved_bytes, 30);
  EXPECT_EQ(reading.peak_reserved_bytes, 40);
  EXPECT_EQ(reading.num_refusals, 2);
  ResetDevicePeaks(kDevice);
  ReleaseKeptDeviceBlocks(kDevice);
  EXPECT_EQ(allocator_.num_resets, 1);
  EXPECT_EQ(allocator_.num_emptied, 1);
  EXPECT_EQ(ReadDeviceTotals(kDevice).total_bytes, 8 * kGiB);
}

TEST_F(DeviceMemoryTest, FractionNeverAllowsMoreThanTheBudget) {
  EXPECT_EQ(MemoryFraction(kGiB, 8 * kGiB), "0.125000000000");
  EXPECT_EQ(MemoryFraction(9 * kGiB, 8 * kGiB), "1");
  for (int64_t budget : {int64_t{1}, 3 * kGiB - 1, 80 * kGiB + 12345, 149999999999}) {
    const int64_t total = 150000000000;
    const double allowed = std::stod(MemoryFraction(budget, total)) * total;
    EXPECT_LE(allowed, budget);
    EXPECT_GE(allowed, budget - 2) << "and wastes nothing";
  }
}

// One test, because a registered parser stays for the life of the process.
TEST_F(DeviceMemoryTest, BudgetReachesTheAllocatorsSettingsBeforeItsFirstUseOnly) {
  allocator_.in_use = false;
  const absl::Status no_setting = SetDeviceBudget(kDevice, kGiB);
  EXPECT_EQ(no_setting.code(), absl::StatusCode::kUnimplemented) << no_setting;

  static std::string parsed;
  c10::CachingAllocator::AcceleratorAllocatorConfig::registerDeviceConfigParserHook(
      [](const std::string& settings) { parsed = settings; }, {"per_process_memory_fraction"});
  c10::CachingAllocator::setAllocatorSettings("max_split_size_mb:100");
  const absl::Status set = SetDeviceBudget(kDevice, 2 * kGiB);
  EXPECT_TRUE(set.ok()) << set;
  EXPECT_EQ(parsed, "max_split_size_mb:100,per_process_memory_fraction:0.250000000000");

  allocator_.in_use = true;
  PrepareDeviceMemory(kDevice);
  EXPECT_EQ(parsed, "max_split_size_mb:100,per_process_memory_fraction:0.250000000000");
  EXPECT_EQ(SetDeviceBudget(kDevice, kGiB).code(), absl::StatusCode::kFailedPrecondition);

  // With expandable segments the ceiling of the settings is 18 MiB lower: 110 of 8192 MiB.
  allocator_.in_use = false;
  c10::CachingAllocator::setAllocatorSettings("max_split_size_mb:100");
  PrepareDeviceMemory(kDevice);
  EXPECT_EQ(parsed, "max_split_size_mb:100,expandable_segments:True");
  ASSERT_TRUE(SetDeviceBudget(kDevice, 128 << 20).ok());
  EXPECT_EQ(parsed,
            "max_split_size_mb:100,expandable_segments:True,"
            "per_process_memory_fraction:0.013427734375");
  EXPECT_EQ(ExitCodeOf(SetDeviceBudget(kDevice, 18 << 20)), ExitCode::kNothingFits);

  c10::CachingAllocator::setAllocatorSettings("expandable_segments:False");
  PrepareDeviceMemory(kDevice);
  EXPECT_EQ(parsed, "expandable_segments:False") << "the user's choice stands";
}

TEST_F(DeviceMemoryTest, AnExpandableSegmentStaysWithinTheBudget) {
  constexpr int64_t kMiB = 1 << 20;
  // What the allocator does: it compares the sum of reserved memory and the request, rounded up to
  // 2 MiB, with its ceiling, and then maps whole pages of 20 MiB.
  for (int64_t budget = 19 * kMiB; budget < 300 * kMiB; budget += kMiB) {
    const int64_t ceiling = CeilingOfSettings(budget, true, 20 * kMiB);
    for (int64_t request = 2 * kMiB; request < 60 * kMiB; request += 2 * kMiB) {
      int64_t reserved = 0;
      while (reserved + request <= ceiling) {
        reserved += (request + 20 * kMiB - 1) / (20 * kMiB) * 20 * kMiB;
      }
      EXPECT_LE(reserved, budget) << request;
    }
  }
  EXPECT_EQ(CeilingOfSettings(kGiB, false, 20 * kMiB), kGiB);
}

TEST_F(DeviceMemoryTest, CpuReadingsAndBudgetAreThisProjectsAllocators) {
  const at::Tensor held = at::empty({1000}, at::kByte);
  const DeviceMemoryReading reading = ReadDeviceMemory(at::kCPU);
  EXPECT_GE(reading.live_bytes, 1000);
  EXPECT_GE(reading.reserved_bytes, reading.live_bytes);
  ASSERT_TRUE(SetDeviceBudget(at::kCPU, reading.live_bytes + 10).ok());
  EXPECT_THROW(at::empty({11}, at::kByte), c10::OutOfMemoryError);
  EXPECT_EQ(ReadDeviceMemory(at::kCPU).needed_bytes, reading.live_bytes + 11);
  SetCpuBudget(0);
}

}  // namespace
}  // namespace slimreel
