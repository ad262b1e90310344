// Sees every allocation of the CPU allocator, and may refuse one: how tests make
// the n-th allocation of a step fail, and how the allocations of a step are recorded.
// Costs one branch an allocation where no observer is set.
//
// Set by SetCpuAllocationHook (cpu_allocator.h). Threading: calls come one at a
// time, from the thread that allocates or frees; they must not touch a tensor.
#ifndef MEMORY_TRACKING_ALLOCATION_HOOK_H_
#define MEMORY_TRACKING_ALLOCATION_HOOK_H_

#include <cstdint>

namespace slimreel {

enum class AllocationKind {
  kTensor,
  kCharge,  // a CpuCharge: counted as live, allocated elsewhere; its `data` is null
};

class AllocationHook {
 public:
  virtual ~AllocationHook() = default;
  // Before the budget is asked. Throwing refuses the allocation: nothing is counted. An
  // observer takes here what memory it needs for the two calls below.
  virtual void BeforeAllocate(AllocationKind /*kind*/, int64_t /*bytes*/) {}
  virtual void OnAllocate(AllocationKind /*kind*/, const void* /*data*/,
                          int64_t /*bytes*/) noexcept {}
  virtual void OnFree(AllocationKind /*kind*/, const void* /*data*/, int64_t /*bytes*/) noexcept {}
};

}  // namespace slimreel

#endif  // MEMORY_TRACKING_ALLOCATION_HOOK_H_
