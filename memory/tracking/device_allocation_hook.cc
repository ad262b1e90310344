#include "memory/tracking/device_allocation_hook.h"

#include <c10/core/Allocator.h>
#include <c10/util/ThreadLocalDebugInfo.h>

#include <mutex>

#include "memory/tracking/cpu_allocator.h"

namespace slimreel {
namespace {

class ReportsToHook final : public c10::MemoryReportingInfoBase {
 public:
  ReportsToHook(at::Device device, AllocationHook* hook) : device_(device), hook_(hook) {}

  void reportMemoryUsage(void* data, int64_t bytes, size_t /*total_allocated*/,
                         size_t /*total_reserved*/, c10::Device device) override {
    if (device.type() != device_.type()) return;
    const std::lock_guard<std::mutex> lock(mutex_);  // autograd has a thread per device
    if (bytes > 0) {
      hook_->BeforeAllocate(AllocationKind::kTensor, bytes);
      hook_->OnAllocate(AllocationKind::kTensor, data, bytes);
    } else {
      hook_->OnFree(AllocationKind::kTensor, data, -bytes);
    }
  }
  bool memoryProfilingEnabled() const override { return true; }

 private:
  const at::Device device_;
  AllocationHook* const hook_;
  std::mutex mutex_;
};

}  // namespace

DeviceAllocationHook::DeviceAllocationHook(at::Device device, AllocationHook* hook) {
  if (device.is_cpu()) {
    SetCpuAllocationHook(hook);
  } else {
    reports_ = std::make_unique<c10::DebugInfoGuard>(c10::DebugInfoKind::PROFILER_STATE,
                                                     std::make_shared<ReportsToHook>(device, hook));
  }
}

DeviceAllocationHook::~DeviceAllocationHook() {
  if (reports_ == nullptr) SetCpuAllocationHook(nullptr);
}

}  // namespace slimreel
