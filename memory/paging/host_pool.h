// Host memory for what a run takes off its device, counted apart from the device's budget. On an
// accelerator it is page-locked, so that copies run beside kernels; on the CPU it stands beside the
// CPU allocator, which does not count it.
//
// Threading: any thread. Ownership: the tensors own their memory, and may outlive the pool.
#ifndef MEMORY_PAGING_HOST_POOL_H_
#define MEMORY_PAGING_HOST_POOL_H_

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>

namespace slimreel {

class HostPool {
 public:
  // `budget_bytes`: what Allocate may take in all; 0: no bound.
  explicit HostPool(int64_t budget_bytes = 0);

  // A block of zeros, uint8 [bytes], for copies from and to `device`. Throws c10::OutOfMemoryError
  // if the budget or the system refuses. Cut one large block: see TakenBytes.
  at::Tensor Allocate(int64_t bytes, at::Device device);

  // What a block of `bytes` really takes. LibTorch rounds page-locked memory up to a power of two.
  static int64_t TakenBytes(int64_t bytes, at::Device device);

  int64_t live_bytes() const;  // taken by the blocks that live
  int64_t peak_bytes() const;  // the highest since construction
  int64_t budget_bytes() const;

 private:
  struct Counter;
  std::shared_ptr<Counter> counter_;  // shared with the blocks
};

}  // namespace slimreel

#endif  // MEMORY_PAGING_HOST_POOL_H_
