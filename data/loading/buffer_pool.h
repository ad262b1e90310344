// Buffers for batches, reused for the life of the loader: fresh pages cost ten
// times what memory in hand costs. Counted against the host budget; no ATen
// allocation, so a loader thread never meets the device budget's exception.
//
// Ownership: a Buffer returns its memory to the pool when it dies, from any
// thread, also after everybody else let go of the pool.
// Threading: all functions from any thread.
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

  // Every buffer has this size.
  static std::shared_ptr<BufferPool> Create(int64_t buffer_bytes);
  ~BufferPool();
  BufferPool(const BufferPool&) = delete;
  BufferPool& operator=(const BufferPool&) = delete;

  // A free buffer, else a new one; contents are undefined. ResourceExhausted: the
  // machine has no memory left.
  absl::StatusOr<std::shared_ptr<uint8_t>> Acquire();

  int64_t allocated_bytes() const;  // in use and free

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
