// The process's one CPU allocator for tensors. It aligns blocks to 64 bytes, counts live and peak
// bytes, refuses what would pass a budget, and keeps freed blocks for reuse. Reuse pays, because
// fresh pages cost eager execution up to more than half of a step.
//
// Threading: all functions may be called from any thread.
#ifndef MEMORY_TRACKING_CPU_ALLOCATOR_H_
#define MEMORY_TRACKING_CPU_ALLOCATOR_H_

#include <cstdint>
#include <string>

#include "memory/tracking/allocation_hook.h"
#include "memory/tracking/memory_phase.h"
#include "memory/tracking/memory_tag.h"

namespace slimreel {

// All numbers are of one moment: reserved is always live + kept, and peak_reserved the highest
// such sum.
struct CpuMemoryReading {
  int64_t live_bytes = 0;        // requested bytes of live tensors + of charges
  int64_t peak_live_bytes = 0;   // highest since the last ResetCpuPeaks
  int64_t scope_peak_bytes = 0;  // highest since the last ResetCpuScopePeak
  int64_t reserved_bytes = 0;    // live + blocks kept for reuse
  int64_t peak_reserved_bytes = 0;
  int64_t num_refusals = 0;  // by the budget, the system or a hook
  // Live + requested bytes at the last refusal: a lower bound of what was needed. 0: none yet.
  int64_t needed_bytes = 0;
  BytesByTag live_by_tag{};     // sums to live_bytes
  BytesByTag peak_by_tag{};     // the tags at the moment of the peak; sums to peak_live_bytes
  PeakByPhase peak_by_phase{};  // the highest of them is peak_live_bytes
};

// Installs the allocator as ATen's. Call it once, before the first tensor exists. From then on the
// process's new-handler gives kept blocks back before operator new fails, and then calls the
// handler of before. With `reuse` false, every freed block goes back to malloc at once (for
// measurements).
void InstallCpuAllocator(bool reuse = true);
bool CpuAllocatorInstalled();

CpuMemoryReading ReadCpuMemory();
// The peaks become the values of now. The other phases than the current one have no peak then.
void ResetCpuPeaks();
void ResetCpuScopePeak();  // a step measures its own peak, and the run's peaks stay

// After this call, an allocation that would take live + kept bytes over the budget first gives kept
// blocks back, then throws c10::OutOfMemoryError. 0: no budget. `origin` names what sets it, for
// messages. It may be set again at any time, also below what is live.
void SetCpuBudget(int64_t budget_bytes, const std::string& origin = "memory.budget");
int64_t CpuBudget();
std::string CpuBudgetOrigin();

// A second ceiling, beside the budget, that follows what the host has left while other processes
// take its memory. The lower one counts. 0: none.
void SetCpuPressureCeiling(int64_t bytes);

// Gives the live block that starts at `data` another tag, from now on: backward makes a gradient as
// an activation. `data` must come from this allocator; null is allowed. A peak that has passed
// keeps its tags.
void RetagCpuBlock(const void* data, MemoryTag tag);

// Gives all kept blocks back to the system; returns the bytes.
int64_t ReleaseKeptCpuBlocks();

// The allocator calls `hook` at every allocation, until it is removed. It is not owned. Several
// hooks may be there: each is called, in the order in which they were added.
void AddCpuAllocationHook(AllocationHook* hook);
void RemoveCpuAllocationHook(AllocationHook* hook);

// Counts memory as live that belongs to the step but is not a tensor allocation, such as a batch
// from the loader. The memory counts as long as the charge lives. Throws like an allocation.
class CpuCharge {
 public:
  // 0 bytes: counts nothing and cannot throw.
  explicit CpuCharge(int64_t bytes, MemoryTag tag = MemoryTag::kInput);
  ~CpuCharge();
  CpuCharge(CpuCharge&& other) noexcept;
  CpuCharge& operator=(CpuCharge&&) = delete;

 private:
  int64_t bytes_;
  MemoryTag tag_;
};

}  // namespace slimreel

#endif  // MEMORY_TRACKING_CPU_ALLOCATOR_H_
