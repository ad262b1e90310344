// The process's one CPU allocator for tensors: 64-byte aligned, counts live and
// peak bytes, can refuse what would pass a budget, and keeps freed blocks for
// reuse, because fresh pages cost eager from nothing to more than half of a step.
//
// Who calls it: the trainer (budget, readings), the executor's tests.
// Threading: all functions may be called from any thread.
#ifndef MEMORY_TRACKING_CPU_ALLOCATOR_H_
#define MEMORY_TRACKING_CPU_ALLOCATOR_H_

#include <cstdint>

#include "memory/tracking/allocation_hook.h"

namespace slimreel {

// Taken at one moment: reserved is live + kept in every reading, and so are the peaks.
struct CpuMemoryReading {
  int64_t live_bytes = 0;       // requested bytes of live tensors + charged batches
  int64_t peak_live_bytes = 0;  // highest since the last ResetCpuPeaks
  int64_t reserved_bytes = 0;   // live + blocks kept for reuse
  int64_t peak_reserved_bytes = 0;
  int64_t num_refusals = 0;  // by the budget or by the system
  // Live + requested bytes at the last refusal: what was needed at the least. 0: none yet.
  int64_t needed_bytes = 0;
};

// Installs the allocator as ATen's; before the first tensor exists, once.
// `reuse` false returns every freed block to malloc at once (for measurement).
void InstallCpuAllocator(bool reuse = true);
bool CpuAllocatorInstalled();

CpuMemoryReading ReadCpuMemory();
void ResetCpuPeaks();  // peaks become what is live now

// From now on an allocation that would take live + kept bytes over the budget
// first gives kept blocks back, then throws c10::OutOfMemoryError. 0: no budget.
void SetCpuBudget(int64_t budget_bytes);
int64_t CpuBudget();

// Gives all kept blocks back to the system; returns the bytes.
int64_t ReleaseKeptCpuBlocks();

// `observer` sees all allocations from now on; it is not owned. Null: none.
void SetCpuAllocationHook(AllocationHook* hook);

// Counts memory that is no tensor allocation but belongs to the step (a batch
// that the loader handed over) as live while it lives. Throws like an allocation.
class CpuCharge {
 public:
  explicit CpuCharge(int64_t bytes);  // 0: counts nothing and cannot throw
  ~CpuCharge();
  CpuCharge(CpuCharge&& other) noexcept;
  CpuCharge& operator=(CpuCharge&&) = delete;

 private:
  int64_t bytes_;
};

}  // namespace slimreel

#endif  // MEMORY_TRACKING_CPU_ALLOCATOR_H_
