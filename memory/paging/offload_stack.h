// Host memory for tensors that are needed again only later: the inputs of checkpointed stages.
//
// See Note [When a copied tensor is freed]. Threading: one thread. Ownership: the stack owns the
// host block. It must outlive what was offloaded to it.
#ifndef MEMORY_PAGING_OFFLOAD_STACK_H_
#define MEMORY_PAGING_OFFLOAD_STACK_H_

#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "memory/paging/host_pool.h"

namespace slimreel {

class OffloadStack {
 public:
  // The place of one tensor in the block. It becomes free when the handle is destroyed.
  class Handle {
   public:
    Handle() = default;
    Handle(Handle&& other) noexcept { *this = std::move(other); }
    Handle& operator=(Handle&& other) noexcept;
    ~Handle() { Free(); }

    bool defined() const { return stack_ != nullptr; }

   private:
    friend class OffloadStack;
    void Free() noexcept;

    OffloadStack* stack_ = nullptr;
    int64_t first_ = 0;  // bytes
    int64_t count_ = 0;
    std::vector<int64_t> sizes_;
    std::vector<int64_t> strides_;
    at::TensorOptions options_;
  };

  // Takes a block of `bytes` from the pool, for copies from and to `device`. Throws
  // c10::OutOfMemoryError.
  OffloadStack(HostPool* pool, at::Device device, int64_t bytes);
  ~OffloadStack();
  OffloadStack(const OffloadStack&) = delete;
  OffloadStack& operator=(const OffloadStack&) = delete;

  // Copies the tensor to the host and lets go of it. It stays as it is, and the handle is
  // undefined, if somebody else holds its memory too, if its memory holds more than it, if it is
  // not dense, if it lies on another device, or if the block is full.
  Handle Push(at::Tensor& tensor);
  // The tensor again, in memory of its own: same values, sizes and strides. Frees the place.
  at::Tensor Pop(Handle handle);

  int64_t used_bytes() const;                         // up to the end of the highest place in use
  int64_t peak_bytes() const { return peak_bytes_; }  // the highest since construction

 private:
  class Streams;
  struct Place {
    int64_t first;  // bytes
    int64_t end;
  };
  void Free(int64_t first) noexcept;

  const at::Device device_;
  at::Tensor host_;            // uint8
  std::vector<Place> places_;  // in use, in rising order
  int64_t peak_bytes_ = 0;
  std::unique_ptr<Streams> streams_;  // null on the CPU, where copies are done at once
};

}  // namespace slimreel

#endif  // MEMORY_PAGING_OFFLOAD_STACK_H_
