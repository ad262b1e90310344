#include "memory/tracking/device_allocation_hook.h"

#include <ATen/ops/empty.h>
#include <c10/core/Allocator.h>
#include <c10/util/ThreadLocalDebugInfo.h>
#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "memory/tracking/allocation_fault.h"

namespace slimreel {
namespace {

const at::Device kAccelerator(at::kPrivateUse1, 0);

// Lists what it is told: bytes of an allocation, or less than zero for a free.
class Lister final : public AllocationHook {
 public:
  void OnAllocate(AllocationKind /*kind*/, const void* /*data*/, int64_t bytes) noexcept override {
    seen.push_back(bytes);
  }
  void OnFree(AllocationKind /*kind*/, const void* /*data*/, int64_t bytes) noexcept override {
    seen.push_back(-bytes);
  }
  std::vector<int64_t> seen;
};

// A tensor of `bytes` bytes on the device comes and goes. An accelerator is made up.
void Allocate(at::Device device, int64_t bytes) {
  if (device.is_cpu()) {
    at::empty({bytes}, at::kByte);
    return;
  }
  c10::reportMemoryUsageToProfiler(nullptr, bytes, 0, 0, device);
  c10::reportMemoryUsageToProfiler(nullptr, -bytes, 0, 0, device);
}

class DeviceAllocationHookTest : public testing::TestWithParam<at::Device> {};

TEST_P(DeviceAllocationHookTest, NestedHooksAreAllToldAndTheOuterOneStays) {
  const at::Device device = GetParam();
  Lister outer, inner;
  {
    const DeviceAllocationHook first(device, &outer);
    Allocate(device, 1);
    {
      const DeviceAllocationHook second(device, &inner);
      Allocate(device, 20);
    }
    Allocate(device, 300);
  }
  Allocate(device, 4000);
  EXPECT_EQ(outer.seen, (std::vector<int64_t>{1, -1, 20, -20, 300, -300}));
  EXPECT_EQ(inner.seen, (std::vector<int64_t>{20, -20}));
}

INSTANTIATE_TEST_SUITE_P(Devices, DeviceAllocationHookTest,
                         testing::Values(at::Device(at::kCPU), kAccelerator),
                         [](const auto& info) { return info.param.is_cpu() ? "cpu" : "other"; });

TEST(DeviceAllocationHookTest, AnInjectedFailureReachesWhatAnInnerHookWatches) {
  const AllocationFault fault(0);
  Lister inner;
  const DeviceAllocationHook hook(at::kCPU, &inner);
  EXPECT_THROW(Allocate(at::kCPU, 8), c10::OutOfMemoryError);
  Allocate(at::kCPU, 9);
  EXPECT_TRUE(fault.thrown());
  EXPECT_EQ(inner.seen, (std::vector<int64_t>{9, -9}));
}

// A profiler that wants memory reports.
class Profiler final : public c10::MemoryReportingInfoBase {
 public:
  void reportMemoryUsage(void* /*data*/, int64_t bytes, size_t /*total_allocated*/,
                         size_t /*total_reserved*/, c10::Device /*device*/) override {
    seen += bytes > 0 ? bytes : 0;
  }
  bool memoryProfilingEnabled() const override { return true; }
  int64_t seen = 0;
};

TEST(DeviceAllocationHookTest, AProfilerThatWasThereStillGetsItsReports) {
  const auto profiler = std::make_shared<Profiler>();
  const c10::DebugInfoGuard guard(c10::DebugInfoKind::PROFILER_STATE, profiler);
  Lister lister;
  {
    const DeviceAllocationHook hook(kAccelerator, &lister);
    Allocate(kAccelerator, 50);
  }
  Allocate(kAccelerator, 7);
  EXPECT_EQ(profiler->seen, 57);
  EXPECT_EQ(lister.seen, (std::vector<int64_t>{50, -50}));
}

}  // namespace
}  // namespace slimreel
