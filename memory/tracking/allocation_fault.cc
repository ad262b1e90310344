#include "memory/tracking/allocation_fault.h"

#include <c10/util/Exception.h>

#include "memory/tracking/cpu_allocator.h"

namespace slimreel {

AllocationFault::AllocationFault(int64_t nth, Where where) : nth_(nth), where_(where) {
  AddCpuAllocationHook(this);
}

AllocationFault::~AllocationFault() { RemoveCpuAllocationHook(this); }

void AllocationFault::BeforeAllocate(AllocationKind kind, int64_t bytes) {
  const bool counts =
      where_ == Where::kEverywhere || kind == AllocationKind::kCharge || num_charges_ > 0;
  if (!counts) return;
  const int64_t number = num_seen_++;
  TORCH_CHECK_WITH(OutOfMemoryError, number != nth_, "allocation ", number, ", of ", bytes,
                   " bytes, fails on purpose");
}

void AllocationFault::OnAllocate(AllocationKind kind, const void* /*data*/,
                                 int64_t /*bytes*/) noexcept {
  if (kind == AllocationKind::kCharge) ++num_charges_;
}

void AllocationFault::OnFree(AllocationKind kind, const void* /*data*/,
                             int64_t /*bytes*/) noexcept {
  if (kind == AllocationKind::kCharge) --num_charges_;
}

}  // namespace slimreel
