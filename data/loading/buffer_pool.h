// Batch buffers that are reused for the life of the loader, because a fresh page
// costs ten times as much as one in use. Their memory counts against the host
// budget. They are not ATen allocations, so a loader thread never meets the device
// budget's exception.
//
// Ownership: a buffer returns its memory to the pool when its last reference dies,
// in any thread. Buffers keep the pool alive.
// Threading: all methods from any thread.
#ifndef DATA_LOADING_BUFFER_POOL_H_
#define DATA_LOADING_BUFFER_POOL_H_

#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "absl/status/statusor.h"

namespace slimreel {

class BufferPool : public std::enable_shared_from_this<BufferPool> {
 public:
  static constexpr int64_t kAlignmentBytes = 64;

  // All buffers of the pool have this size.
  static std::shared_ptr<BufferPool> Create(int64_t buffer_bytes);
  ~BufferPool();
  BufferPool(const BufferPool&) = delete;
  BufferPool& operator=(const BufferPool&) = delete;

  // Returns a free buffer, or a new one. Its content is undefined. ResourceExhausted: the
  // machine has no memory left.
  absl::StatusOr<std::shared_ptr<uint8_t>> Acquire();

  // Gives the memory of all free buffers back to the system; returns the bytes.
  int64_t Trim();

  int64_t allocated_bytes() const;  // of all buffers, in use or free

 private:
  explicit BufferPool(int64_t buffer_bytes) : buffer_bytes_(buffer_bytes) {}
  void Release(uint8_t* memory);

  const int64_t buffer_bytes_;
  mutable std::mutex mutex_;
  std::vector<uint8_t*> free_;  // guarded by mutex_
  int64_t num_buffers_ = 0;     // guarded by mutex_
};

}  // namespace slimreel

#endif  // DATA_LOADING_BUFFER_POOL_H_
