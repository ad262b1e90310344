// The one file pair that needs CUDA's own interface of the caching allocator.
#ifndef MEMORY_TRACKING_CUDA_BUDGET_H_
#define MEMORY_TRACKING_CUDA_BUDGET_H_

#include <cstdint>

namespace slimreel {

// Caps what the caching allocator reserves on device `index`, as a share of its
// total; 0: no cap. False in a build without CUDA or without the toolkit's headers.
bool SetCudaBudget(int index, int64_t budget_bytes);

}  // namespace slimreel

#endif  // MEMORY_TRACKING_CUDA_BUDGET_H_
