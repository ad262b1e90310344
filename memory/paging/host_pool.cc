#include "memory/paging/host_pool.h"

#include <ATen/ops/from_blob.h>
#include <ATen/ops/zeros.h>
#include <c10/util/Exception.h>
#include <sys/mman.h>

#include <algorithm>
#include <bit>
#include <mutex>

namespace slimreel {

struct HostPool::Counter {
  explicit Counter(int64_t budget) : budget(budget) {}

  void Claim(int64_t bytes) {
    const std::lock_guard<std::mutex> lock(mutex);
    TORCH_CHECK_WITH(OutOfMemoryError, budget <= 0 || live + bytes <= budget,
                     "the host budget refuses ", bytes, " bytes: live ", live, ", budget ", budget,
                     " (memory.host_budget)");
    live += bytes;
    peak = std::max(peak, live);
  }
  void Return(int64_t bytes) {
    const std::lock_guard<std::mutex> lock(mutex);
    live -= bytes;
  }

  std::mutex mutex;
  const int64_t budget;
  int64_t live = 0;
  int64_t peak = 0;
};

HostPool::HostPool(int64_t budget_bytes) : counter_(std::make_shared<Counter>(budget_bytes)) {}

int64_t HostPool::TakenBytes(int64_t bytes, at::Device device) {
  if (device.is_cpu()) return bytes;
  return static_cast<int64_t>(std::bit_ceil(static_cast<uint64_t>(bytes)));
}

at::Tensor HostPool::Allocate(int64_t bytes, at::Device device) {
  if (bytes == 0) return at::zeros({0}, at::kByte);
  const int64_t taken = TakenBytes(bytes, device);
  counter_->Claim(taken);
  // Takes the claim back when its last owner, the block's deleter, is gone.
  const std::shared_ptr<void> claim(nullptr,
                                    [counter = counter_, taken](void*) { counter->Return(taken); });
  if (!device.is_cpu()) {
    const at::Tensor pinned = at::zeros({bytes}, at::TensorOptions(at::kByte).pinned_memory(true));
    return at::from_blob(
        pinned.data_ptr(), {bytes}, [pinned, claim](void*) {}, at::kByte);
  }
  // Fresh pages are zero. They are taken at once, so that whoever reads the resident set sees them.
  void* const pages = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
  TORCH_CHECK_WITH(OutOfMemoryError, pages != MAP_FAILED, "the system refuses ", bytes,
                   " bytes of host memory");
  const std::shared_ptr<void> mapped(pages, [bytes](void* data) { munmap(data, bytes); });
  return at::from_blob(
      pages, {bytes}, [mapped, claim](void*) {}, at::kByte);
}

int64_t HostPool::live_bytes() const {
  const std::lock_guard<std::mutex> lock(counter_->mutex);
  return counter_->live;
}

int64_t HostPool::peak_bytes() const {
  const std::lock_guard<std::mutex> lock(counter_->mutex);
  return counter_->peak;
}

int64_t HostPool::budget_bytes() const { return counter_->budget; }

}  // namespace slimreel
