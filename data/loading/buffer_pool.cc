#include "data/loading/buffer_pool.h"

#include <algorithm>
#include <new>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace slimreel {
namespace {

constexpr std::align_val_t kAlignment{BufferPool::kAlignmentBytes};

}  // namespace

std::shared_ptr<BufferPool> BufferPool::Create(int64_t buffer_bytes) {
  const int64_t padded =
      std::max<int64_t>(1, (buffer_bytes + kAlignmentBytes - 1) / kAlignmentBytes) *
      kAlignmentBytes;
  return std::shared_ptr<BufferPool>(new BufferPool(padded));
}

BufferPool::~BufferPool() {
  for (uint8_t* memory : free_) ::operator delete(memory, kAlignment);
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
      // operator new, unlike malloc, first calls the new-handler: other parts of the program may
      // have memory to give back.
      memory = static_cast<uint8_t*>(
          ::operator new(static_cast<size_t>(buffer_bytes_), kAlignment, std::nothrow));
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

int64_t BufferPool::Trim() {
  const std::lock_guard<std::mutex> lock(mutex_);
  for (uint8_t* memory : free_) ::operator delete(memory, kAlignment);
  const auto count = static_cast<int64_t>(free_.size());
  num_buffers_ -= count;
  free_.clear();
  return count * buffer_bytes_;
}

int64_t BufferPool::allocated_bytes() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return num_buffers_ * buffer_bytes_;
}

}  // namespace slimreel
