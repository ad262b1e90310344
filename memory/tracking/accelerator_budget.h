// Sets a hard ceiling for an accelerator's caching allocator.
//
// Threading: call it from one thread, before the device's first tensor.
#ifndef MEMORY_TRACKING_ACCELERATOR_BUDGET_H_
#define MEMORY_TRACKING_ACCELERATOR_BUDGET_H_

#include <c10/core/Device.h>

#include <cstdint>
#include <string>

#include "absl/status/status.h"

namespace slimreel {

// The device's number; 0, the first device, if it was named without one.
c10::DeviceIndex DeviceIndexOf(at::Device device);

// Lets the allocator of `device` grow its segments in place (expandable_segments), so that freed
// blocks of other sizes can serve a request. Does nothing if the user's environment decides it
// (PYTORCH_ALLOC_CONF, PYTORCH_CUDA_ALLOC_CONF) or if the allocator is already in use.
void UseExpandableSegments(at::Device device);

// After this call, LibTorch's allocator of `device` does not reserve more than `budget_bytes` (>
// 0). It first gives cached blocks back, then throws c10::OutOfMemoryError. Reserved memory
// includes live and kept blocks.
//
// See Note [A ceiling without the vendor's headers]. Errors: FailedPrecondition if the allocator is
// already in use; NothingFits if the budget is less than what the allocator takes at once;
// Unimplemented if this LibTorch's allocator takes no ceiling.
absl::Status SetAcceleratorBudget(at::Device device, int64_t budget_bytes);

// What the ceiling of the settings must be, so that reserved memory never passes `budget_bytes`.
int64_t CeilingOfSettings(int64_t budget_bytes, bool expandable_segments,
                          int64_t large_segment_bytes);

// budget_bytes / total_bytes as the allocator's settings write it: decimal, at most 1, and rounded
// down, so that the ceiling is never above the budget.
std::string MemoryFraction(int64_t budget_bytes, int64_t total_bytes);

}  // namespace slimreel

#endif  // MEMORY_TRACKING_ACCELERATOR_BUDGET_H_
