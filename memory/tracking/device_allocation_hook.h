// Hands the allocations of a device to an AllocationHook, as long as the object lives. On the CPU
// they come from this project's allocator. An accelerator's allocator reports them through c10, so
// no vendor header is needed; BeforeAllocate is then called after the fact and cannot refuse.
// Objects nest: each hook is told, and so is a profiler that was there before.
//
// Threading: made and destroyed on the thread that computes. On an accelerator only the
// allocations of this thread and of the autograd threads that work for it are seen.
// Ownership: the hook is not owned. An object outlives those that are made while it lives.
#ifndef MEMORY_TRACKING_DEVICE_ALLOCATION_HOOK_H_
#define MEMORY_TRACKING_DEVICE_ALLOCATION_HOOK_H_

#include <c10/core/Device.h>

#include <memory>

#include "memory/tracking/allocation_hook.h"

namespace c10 {
class DebugInfoGuard;
}

namespace slimreel {

class DeviceAllocationHook {
 public:
  DeviceAllocationHook(at::Device device, AllocationHook* hook);
  ~DeviceAllocationHook();
  DeviceAllocationHook(const DeviceAllocationHook&) = delete;
  DeviceAllocationHook& operator=(const DeviceAllocationHook&) = delete;

 private:
  AllocationHook* const hook_;
  std::unique_ptr<c10::DebugInfoGuard> reports_;  // null on the CPU
};

}  // namespace slimreel

#endif  // MEMORY_TRACKING_DEVICE_ALLOCATION_HOOK_H_
