#include "memory/tracking/cpu_allocator.h"

#include <c10/core/Allocator.h>
#include <c10/core/CPUAllocator.h>
#include <c10/util/Exception.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <limits>
#include <memory>
#include <mutex>
#include <utility>

#include "memory/tracking/page_store.h"

namespace slimreel {
namespace {

constexpr size_t kAlignment = 64;
// Below this malloc keeps freed memory in hand anyway; from here on (its own
// default threshold) it may map fresh pages for every request.
constexpr size_t kSmallestPageBlock = 128 << 10;

// Stands before the data of every allocation and keeps it aligned.
struct Prefix {
  int64_t requested;
  PageBlock* pages;  // owned; null for a block of malloc
};
static_assert(sizeof(Prefix) <= kAlignment);

Prefix* PrefixOf(void* data) {
  return reinterpret_cast<Prefix*>(static_cast<char*>(data) - kAlignment);
}

void Raise(std::atomic<int64_t>& peak, int64_t value) {
  int64_t seen = peak.load(std::memory_order_relaxed);
  while (seen < value && !peak.compare_exchange_weak(seen, value, std::memory_order_relaxed)) {
  }
}

class CpuAllocator final : public c10::Allocator {
 public:
  c10::DataPtr allocate(size_t bytes) override {
    void* data = bytes == 0 ? nullptr : Allocate(bytes);
    return {data, data, &Delete, c10::Device(c10::DeviceType::CPU)};
  }
  c10::DeleterFnPtr raw_deleter() const override { return &Delete; }
  void copy_data(void* to, const void* from, size_t count) const override {
    default_copy_data(to, from, count);
  }

  void set_reuse(bool reuse) { reuse_ = reuse; }
  void set_budget(int64_t bytes) {
    budget_ = bytes;
    MakeRoom(0);
  }
  int64_t budget() const { return budget_; }

  // Counts `bytes` as live, or throws.
  void Charge(int64_t bytes) {
    const int64_t live = live_.fetch_add(bytes) + bytes;
    const int64_t budget = budget_;
    if (budget > 0 && live > budget) {
      live_.fetch_sub(bytes);
      ++refusals_;
      Refuse(bytes, live - bytes, budget);
    }
    Raise(peak_live_, live);
  }
  void Discharge(int64_t bytes) { live_.fetch_sub(bytes); }

  // Gives kept pages back until live + kept + `extra` fit the budget.
  void MakeRoom(int64_t extra) {
    const int64_t budget = budget_;
    if (budget <= 0 || live_ + kept_ + extra <= budget) return;
    const std::lock_guard<std::mutex> lock(mutex_);
    store_.Release(live_ + store_.kept_bytes() + extra - budget);
    kept_ = store_.kept_bytes();
  }

  int64_t ReleaseKept() {
    const std::lock_guard<std::mutex> lock(mutex_);
    const int64_t released = store_.Release(std::numeric_limits<int64_t>::max());
    kept_ = 0;
    return released;
  }

  CpuMemoryReading Read() const {
    CpuMemoryReading reading;
    reading.live_bytes = live_;
    reading.peak_live_bytes = peak_live_;
    reading.reserved_bytes = blocks_ + kept_;
    reading.peak_reserved_bytes = peak_reserved_;
    reading.num_refusals = refusals_;
    return reading;
  }
  void ResetPeaks() {
    peak_live_ = live_.load();
    peak_reserved_ = blocks_ + kept_;
  }

 private:
  [[noreturn]] void Refuse(int64_t bytes, int64_t live, int64_t budget) const {
    TORCH_CHECK_WITH(OutOfMemoryError, false, "the memory budget refuses ", bytes, " bytes: live ",
                     live, ", kept for reuse ", kept_.load(), ", budget ", budget,
                     " (memory.budget)");
  }
  [[noreturn]] void SystemRefuses(int64_t bytes) {
    Discharge(bytes);
    ++refusals_;
    TORCH_CHECK_WITH(OutOfMemoryError, false, "the system refuses ", bytes, " bytes: live ",
                     live_.load(), ", kept for reuse ", kept_.load(), ", budget ", budget_.load(),
                     " (memory.budget; 0: none)");
  }

  void* Allocate(size_t bytes) {
    Charge(static_cast<int64_t>(bytes));
    void* data = reuse_ && bytes >= kSmallestPageBlock ? FromPages(bytes) : FromMalloc(bytes);
    if (data == nullptr) SystemRefuses(static_cast<int64_t>(bytes));
    Raise(peak_reserved_, blocks_ + kept_);
    return data;
  }

  void* FromMalloc(size_t bytes) {
    MakeRoom(0);
    void* raw = nullptr;
    if (posix_memalign(&raw, kAlignment, bytes + kAlignment) != 0) {
      ReleaseKept();
      if (posix_memalign(&raw, kAlignment, bytes + kAlignment) != 0) return nullptr;
    }
    new (raw) Prefix{static_cast<int64_t>(bytes), nullptr};
    blocks_ += static_cast<int64_t>(bytes + kAlignment);
    return static_cast<char*>(raw) + kAlignment;
  }

  void* FromPages(size_t bytes) {
    auto pages = std::make_unique<PageBlock>();
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      *pages = store_.Allocate(bytes + kAlignment);
      kept_ = store_.kept_bytes();
    }
    if (pages->bytes == 0) return nullptr;
    blocks_ += static_cast<int64_t>(pages->bytes);
    char* raw = pages->base;
    new (raw) Prefix{static_cast<int64_t>(bytes), pages.release()};
    MakeRoom(0);
    return raw + kAlignment;
  }

  void Free(void* data) {
    Prefix* prefix = PrefixOf(data);
    const int64_t requested = prefix->requested;
    if (prefix->pages == nullptr) {
      std::free(prefix);
      blocks_ -= requested + static_cast<int64_t>(kAlignment);
      live_ -= requested;
      return;
    }
    const std::unique_ptr<PageBlock> pages(prefix->pages);
    const int64_t block_bytes = static_cast<int64_t>(pages->bytes);
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      store_.Free(std::move(*pages));
      kept_ = store_.kept_bytes();
    }
    blocks_ -= block_bytes;
    live_ -= requested;
    MakeRoom(0);  // a block is a few bytes larger than what was asked for
  }

  static void Delete(void* data);

  std::mutex mutex_;  // of store_
  PageStore store_;
  bool reuse_ = true;
  std::atomic<int64_t> kept_{0};  // of store_, readable without the lock
  std::atomic<int64_t> live_{0};
  std::atomic<int64_t> blocks_{0};  // live blocks as handed out
  std::atomic<int64_t> peak_live_{0};
  std::atomic<int64_t> peak_reserved_{0};
  std::atomic<int64_t> budget_{0};
  std::atomic<int64_t> refusals_{0};
};

// Never destroyed: tensors of static lifetime are freed after main.
CpuAllocator& TheAllocator() {
  static CpuAllocator* const allocator = new CpuAllocator;
  return *allocator;
}

void CpuAllocator::Delete(void* data) {
  if (data != nullptr) TheAllocator().Free(data);
}

}  // namespace

void InstallCpuAllocator(bool reuse) {
  if (CpuAllocatorInstalled()) return;
  TheAllocator().set_reuse(reuse);
  c10::SetCPUAllocator(&TheAllocator(), /*priority=*/1);
}

bool CpuAllocatorInstalled() { return c10::GetCPUAllocator() == &TheAllocator(); }

CpuMemoryReading ReadCpuMemory() { return TheAllocator().Read(); }
void ResetCpuPeaks() { TheAllocator().ResetPeaks(); }
void SetCpuBudget(int64_t budget_bytes) { TheAllocator().set_budget(budget_bytes); }
int64_t CpuBudget() { return TheAllocator().budget(); }
int64_t ReleaseKeptCpuBlocks() { return TheAllocator().ReleaseKept(); }

CpuCharge::CpuCharge(int64_t bytes) : bytes_(bytes) {
  TheAllocator().Charge(bytes);
  TheAllocator().MakeRoom(0);
}
CpuCharge::~CpuCharge() {
  if (bytes_ > 0) TheAllocator().Discharge(bytes_);
}
CpuCharge::CpuCharge(CpuCharge&& other) noexcept : bytes_(std::exchange(other.bytes_, 0)) {}

}  // namespace slimreel
