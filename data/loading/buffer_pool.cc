#include "data/loading/buffer_pool.h"

#include <algorithm>
#include <cstdlib>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace slimreel {

std::shared_ptr<BufferPool> BufferPool::Create(int64_t buffer_bytes) {
  // aligned_alloc needs a multiple of the alignment.
  const int64_t padded =
      std::max<int64_t>(1, (buffer_bytes + kAlignmentBytes - 1) / kAlignmentBytes) *
      kAlignmentBytes;
  return std::shared_ptr<BufferPool>(new BufferPool(padded));
}

BufferPool::~BufferPool() {
  for (uint8_t* memory : free_) std::free(memory);
}

absl::StatusOr<std::shared_ptr<uint8_t>> BufferPool::Acquire() {
  uint8_t* memory = nullptr;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (!free_.empty()) {
      memory = free_.back();
      free_.pop_back();
    } else {
      free_.reserve(num_buffers_ + 1);  // so that the deleter allocates nothing: it must not throw
      memory = static_cast<uint8_t*>(std::aligned_alloc(kAlignmentBytes, buffer_bytes_));
      if (memory == nullptr) {
        return absl::ResourceExhaustedError(
            absl::StrCat("no host memory is left for a batch of ", buffer_bytes_,
                         " bytes; lower data.batch_size, data.num_frames or "
                         "dataloader.prefetch_factor"));
      }
      ++num_buffers_;
    }
  }
  // The deleter holds the pool until the last buffer is back.
  return std::shared_ptr<uint8_t>(
      memory, [pool = shared_from_this()](uint8_t* returned) { pool->Release(returned); });
}

void BufferPool::Release(uint8_t* memory) {
  const std::lock_guard<std::mutex> lock(mutex_);
  free_.push_back(memory);
}

int64_t BufferPool::allocated_bytes() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return num_buffers_ * buffer_bytes_;
}

}  // namespace slimreel
