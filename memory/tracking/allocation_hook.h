// A hook that the CPU allocator calls at every allocation and that may refuse it. Tests use it to
// make the n-th allocation of a step fail; recordings use it to list the allocations of a step.
// If no hook is set, an allocation costs one branch more.
//
// AddCpuAllocationHook (cpu_allocator.h) adds one. Threading: calls come one at a time, from the
// thread that allocates or frees. A hook must not touch a tensor.
#ifndef MEMORY_TRACKING_ALLOCATION_HOOK_H_
#define MEMORY_TRACKING_ALLOCATION_HOOK_H_

#include <cstdint>

#include "memory/tracking/memory_tag.h"

namespace slimreel {

enum class AllocationKind {
  kTensor,
  kCharge,  // a CpuCharge: memory counted as live but allocated elsewhere; its `data` is null
};

class AllocationHook {
 public:
  virtual ~AllocationHook() = default;
  // Called before the budget is checked. To refuse the allocation, throw: then a refusal is
  // counted, and no byte. A hook takes the memory that it needs for the two calls below here. The
  // allocation may still be refused afterwards, by the budget or by a later hook.
  virtual void BeforeAllocate(AllocationKind /*kind*/, int64_t /*bytes*/) {}
  virtual void OnAllocate(AllocationKind /*kind*/, const void* /*data*/,
                          int64_t /*bytes*/) noexcept {}
  virtual void OnFree(AllocationKind /*kind*/, const void* /*data*/, int64_t /*bytes*/) noexcept {}
  // What lives now. Called after OnAllocate, after OnFree, and when a block gets another tag.
  virtual void OnLiveBytes(const BytesByTag& /*live*/) noexcept {}
};

}  // namespace slimreel

#endif  // MEMORY_TRACKING_ALLOCATION_HOOK_H_
