#include "memory/tracking/device_allocation_hook.h"

#include <c10/core/Allocator.h>
#include <c10/util/ThreadLocalDebugInfo.h>

#include <mutex>

#include "memory/tracking/cpu_allocator.h"

namespace slimreel {
namespace {

// c10 tells only the innermost one of those that want reports, so this hands them on.
class ReportsToHook final : public c10::MemoryReportingInfoBase {
 public:
  ReportsToHook(at::Device device, AllocationHook* hook, c10::MemoryReportingInfoBase* outer)
      : device_(device), hook_(hook), outer_(outer) {}

  void reportMemoryUsage(void* data, int64_t bytes, size_t total_allocated, size_t total_reserved,
                         c10::Device device) override {
    if (outer_ != nullptr && outer_->memoryProfilingEnabled()) {
      outer_->reportMemoryUsage(data, bytes, total_allocated, total_reserved, device);
    }
    if (device.type() != device_.type()) return;
    const std::lock_guard<std::mutex> lock(mutex_);  // autograd has a thread per device
    if (bytes > 0) {
      hook_->BeforeAllocate(AllocationKind::kTensor, bytes);
      hook_->OnAllocate(AllocationKind::kTensor, data, bytes);
    } else {
      hook_->OnFree(AllocationKind::kTensor, data, -bytes);
    }
  }
  void reportOutOfMemory(int64_t bytes, size_t total_allocated, size_t total_reserved,
                         c10::Device device) override {
    if (outer_ == nullptr) return;
    outer_->reportOutOfMemory(bytes, total_allocated, total_reserved, device);
  }
  bool memoryProfilingEnabled() const override { return true; }

 private:
  const at::Device device_;
  AllocationHook* const hook_;
  c10::MemoryReportingInfoBase* const outer_;  // null: none
  std::mutex mutex_;
};

}  // namespace

DeviceAllocationHook::DeviceAllocationHook(at::Device device, AllocationHook* hook) : hook_(hook) {
  if (device.is_cpu()) {
    AddCpuAllocationHook(hook);
    return;
  }
  auto* const outer = dynamic_cast<c10::MemoryReportingInfoBase*>(
      c10::ThreadLocalDebugInfo::get(c10::DebugInfoKind::PROFILER_STATE));
  reports_ = std::make_unique<c10::DebugInfoGuard>(
      c10::DebugInfoKind::PROFILER_STATE, std::make_shared<ReportsToHook>(device, hook, outer));
}

DeviceAllocationHook::~DeviceAllocationHook() {
  if (reports_ == nullptr) RemoveCpuAllocationHook(hook_);
}

}  // namespace slimreel
