#include "memory/tracking/cuda_budget.h"

// A wheel brings c10's CUDA headers, but not the toolkit's that they include.
#if defined(SLIMREEL_WITH_CUDA) && __has_include(<cuda_runtime_api.h>)

#include <ATen/DeviceAccelerator.h>
#include <c10/cuda/CUDACachingAllocator.h>

#include <algorithm>

namespace slimreel {

bool SetCudaBudget(int index, int64_t budget_bytes) {
  const auto device = static_cast<c10::DeviceIndex>(index);
  const double total = static_cast<double>(at::accelerator::getMemoryInfo(device).second);
  const double share = budget_bytes > 0 ? static_cast<double>(budget_bytes) / total : 1.0;
  c10::cuda::CUDACachingAllocator::setMemoryFraction(std::min(share, 1.0), device);
  return true;
}

}  // namespace slimreel

#else

namespace slimreel {

bool SetCudaBudget(int /*index*/, int64_t /*budget_bytes*/) { return false; }

}  // namespace slimreel

#endif
