// A hard ceiling for an accelerator's caching allocator.
//
// Threading: one thread, before the device's first tensor.
#ifndef MEMORY_TRACKING_ACCELERATOR_BUDGET_H_
#define MEMORY_TRACKING_ACCELERATOR_BUDGET_H_

#include <c10/core/Device.h>

#include <cstdint>
#include <string>

#include "absl/status/status.h"

namespace slimreel {

// Of a device that may have been named without a number: the first, 0.
c10::DeviceIndex DeviceIndexOf(at::Device device);

// From now on LibTorch's allocator of `device` throws c10::OutOfMemoryError instead
// of reserving more than `budget_bytes` (> 0): it first gives cached blocks back.
// What it reserves holds live and kept blocks alike.
//
// See Note [A ceiling without the vendor's headers] for how. Errors:
// FailedPrecondition where the allocator is in use already; Unimplemented where
// this LibTorch's allocator takes no ceiling.
absl::Status SetAcceleratorBudget(at::Device device, int64_t budget_bytes);

// The share of `total_bytes` as the allocator's settings write it: decimal,
// rounded down, so that the ceiling is never above the budget; at most 1.
std::string MemoryFraction(int64_t budget_bytes, int64_t total_bytes);

}  // namespace slimreel

#endif  // MEMORY_TRACKING_ACCELERATOR_BUDGET_H_
