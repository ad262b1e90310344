#include "memory/tracking/cpu_allocator.h"

#include <c10/core/Allocator.h>
#include <c10/core/CPUAllocator.h>
#include <c10/util/Exception.h>

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <memory>
#include <mutex>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include "memory/tracking/page_store.h"

namespace slimreel {
namespace {

constexpr size_t kAlignment = 64;
// Below this size, malloc itself keeps freed memory. From this size on (malloc's own default
// threshold), it may map fresh pages for every request.
constexpr size_t kMinPageBlock = 128 << 10;

// Precedes the data of every allocation and keeps the data aligned.
struct Prefix {
  int64_t requested;
  PageBlock* pages;  // owned; null if the block is malloc's
  MemoryTag tag;     // guarded by the allocator's lock
};
static_assert(sizeof(Prefix) <= kAlignment);

Prefix* PrefixOf(void* data) {
  return reinterpret_cast<Prefix*>(static_cast<char*>(data) - kAlignment);
}

// Note [One lock]
// A step allocates some thousands of times, nearly always from one thread, and an uncontended lock
// costs about 20 ns. In return, live and kept bytes change together. No reading and no peak counts
// a block twice while it turns from kept to live, and two threads together cannot pass the budget.
//
// Note [Kept blocks go back before operator new fails]
// Much of a process's memory is not tensors: queues, strings, libraries. If the system refuses it,
// operator new calls the new-handler, which gives the kept blocks back, and tries again. The
// handler may run in a thread that holds the lock, because book-keeping and messages take memory,
// too. There it leaves the blocks alone: the allocator gives them back itself.
class Lock {
 public:
  explicit Lock(std::mutex& mutex) : lock_(mutex) { held_here = true; }
  ~Lock() { held_here = false; }
  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;

  static thread_local bool held_here;  // by this thread

 private:
  const std::lock_guard<std::mutex> lock_;
};
thread_local bool Lock::held_here = false;

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
  void set_budget(int64_t bytes, const std::string& origin) {
    const Lock lock(mutex_);
    budget_ = bytes;
    origin_ = origin;
    ReleaseAboveCeiling();
  }
  int64_t budget() const {
    const Lock lock(mutex_);
    return budget_;
  }
  std::string origin() const {
    const Lock lock(mutex_);
    return origin_;
  }
  void set_pressure_ceiling(int64_t bytes) {
    const Lock lock(mutex_);
    pressure_ceiling_ = bytes;
    ReleaseAboveCeiling();
  }
  void AddHook(AllocationHook* hook) {
    const Lock lock(mutex_);
    hooks_.push_back(hook);
  }
  void RemoveHook(AllocationHook* hook) noexcept {
    const Lock lock(mutex_);
    std::erase(hooks_, hook);
  }

  void Charge(int64_t bytes, MemoryTag tag) {
    const Lock lock(mutex_);
    Claim(AllocationKind::kCharge, bytes, tag);
    Settle(AllocationKind::kCharge, nullptr, bytes);
  }
  void Discharge(int64_t bytes, MemoryTag tag) noexcept {
    const Lock lock(mutex_);
    Count(-bytes, tag);
    TellHooksOfFree(AllocationKind::kCharge, nullptr, bytes);
  }

  void Retag(void* data, MemoryTag tag) {
    Prefix* const prefix = PrefixOf(data);
    const Lock lock(mutex_);
    At(by_tag_, std::exchange(prefix->tag, tag)) -= prefix->requested;
    At(by_tag_, tag) += prefix->requested;
    for (AllocationHook* hook : hooks_) hook->OnLiveBytes(by_tag_);
  }

  int64_t ReleaseKept() {
    const Lock lock(mutex_);
    return store_.Release(std::numeric_limits<int64_t>::max());
  }

  CpuMemoryReading Read() const {
    const Lock lock(mutex_);
    CpuMemoryReading reading;
    reading.live_bytes = live_;
    const MemoryPeak& peak = Highest(peaks_);
    reading.peak_live_bytes = peak.bytes;
    reading.scope_peak_bytes = scope_peak_;
    reading.reserved_bytes = live_ + store_.kept_bytes();
    reading.peak_reserved_bytes = peak_reserved_;
    reading.num_refusals = num_refusals_;
    reading.needed_bytes = needed_;
    reading.live_by_tag = by_tag_;
    reading.peak_by_tag = peak.by_tag;
    reading.peak_by_phase = peaks_;
    return reading;
  }
  void ResetScopePeak() {
    const Lock lock(mutex_);
    scope_peak_ = live_;
  }
  void ResetPeaks() {
    const Lock lock(mutex_);
    peaks_ = {};
    At(peaks_, CurrentMemoryPhase()) = {live_, by_tag_};
    peak_reserved_ = live_ + store_.kept_bytes();
  }

 private:
  void* Allocate(size_t size) {
    const auto bytes = static_cast<int64_t>(size);
    const MemoryTag tag = CurrentMemoryTag();
    const Lock lock(mutex_);
    Claim(AllocationKind::kTensor, bytes, tag);
    void* raw = reuse_ && size >= kMinPageBlock ? FromPages(size, tag) : FromMalloc(size, tag);
    if (raw == nullptr) ThrowSystemRefusal(bytes, tag);
    void* const data = static_cast<char*>(raw) + kAlignment;
    Settle(AllocationKind::kTensor, data, bytes);
    return data;
  }

  // The functions below run under the lock.

  // Counts `bytes` as live, or throws and counts nothing. After a claim, only ThrowSystemRefusal
  // can fail, and it takes the claim back. So the count is always what lives.
  void Claim(AllocationKind kind, int64_t bytes, MemoryTag tag) {
    if (!hooks_.empty()) AskHooks(kind, bytes);
    if (Ceiling() > 0 && live_ + bytes > Ceiling()) {
      NoteRefusal(bytes);
      const bool by_budget = Ceiling() == budget_;
      TORCH_CHECK_WITH(OutOfMemoryError, false,
                       by_budget ? "the memory budget" : "what the host has left", " refuses ",
                       bytes, " bytes: live ", live_, ", kept for reuse ", store_.kept_bytes(),
                       by_budget ? ", budget " : ", ceiling ", Ceiling(), " (",
                       by_budget ? origin_ : "other processes take memory", ")");
    }
    Count(bytes, tag);
  }

  // Both counts always change together, so the tags sum to what lives.
  void Count(int64_t bytes, MemoryTag tag) noexcept {
    live_ += bytes;
    At(by_tag_, tag) += bytes;
  }

  void Settle(AllocationKind kind, const void* data, int64_t bytes) noexcept {
    ReleaseAboveCeiling();
    MemoryPeak& peak = At(peaks_, CurrentMemoryPhase());
    if (live_ > peak.bytes) peak = {live_, by_tag_};
    scope_peak_ = std::max(scope_peak_, live_);
    peak_reserved_ = std::max(peak_reserved_, live_ + store_.kept_bytes());
    for (AllocationHook* hook : hooks_) {
      hook->OnAllocate(kind, data, bytes);
      hook->OnLiveBytes(by_tag_);
    }
  }

  void TellHooksOfFree(AllocationKind kind, const void* data, int64_t bytes) noexcept {
    for (AllocationHook* hook : hooks_) {
      hook->OnFree(kind, data, bytes);
      hook->OnLiveBytes(by_tag_);
    }
  }

  [[noreturn]] void ThrowSystemRefusal(int64_t bytes, MemoryTag tag) {
    Count(-bytes, tag);
    NoteRefusal(bytes);
    TORCH_CHECK_WITH(OutOfMemoryError, false, "the system refuses ", bytes, " bytes: live ", live_,
                     ", kept for reuse ", store_.kept_bytes(), ", budget ", budget_, " (0: none)");
  }

  void NoteRefusal(int64_t bytes) {
    ++num_refusals_;
    needed_ = live_ + bytes;
  }

  // A hook that throws refuses, and its refusal counts like any other.
  void AskHooks(AllocationKind kind, int64_t bytes) {
    const int64_t num_refusals = num_refusals_, needed = needed_;
    NoteRefusal(bytes);
    for (AllocationHook* hook : hooks_) hook->BeforeAllocate(kind, bytes);
    num_refusals_ = num_refusals;
    needed_ = needed;
  }

  // The lower one of the budget and what the host has left; 0: neither is set.
  int64_t Ceiling() const {
    if (budget_ > 0 && pressure_ceiling_ > 0) return std::min(budget_, pressure_ceiling_);
    return std::max(budget_, pressure_ceiling_);
  }

  void ReleaseAboveCeiling() noexcept {
    const int64_t over = live_ + store_.kept_bytes() - Ceiling();
    if (Ceiling() > 0 && over > 0) store_.Release(over);
  }

  // Returns the block's prefix. Null if the system refuses even after all kept pages were given
  // back.
  void* FromMalloc(size_t bytes, MemoryTag tag) noexcept {
    void* raw = nullptr;
    if (posix_memalign(&raw, kAlignment, bytes + kAlignment) != 0) {
      store_.Release(std::numeric_limits<int64_t>::max());
      if (posix_memalign(&raw, kAlignment, bytes + kAlignment) != 0) return nullptr;
    }
    return new (raw) Prefix{static_cast<int64_t>(bytes), nullptr, tag};
  }

  void* FromPages(size_t bytes, MemoryTag tag) noexcept {
    std::unique_ptr<PageBlock> pages = store_.Allocate(bytes + kAlignment);
    if (pages == nullptr) return nullptr;
    char* const raw = pages->base;
    return new (raw) Prefix{static_cast<int64_t>(bytes), pages.release(), tag};
  }

  void Free(void* data) noexcept {
    Prefix* const prefix = PrefixOf(data);
    const int64_t requested = prefix->requested;
    std::unique_ptr<PageBlock> pages(prefix->pages);
    const Lock lock(mutex_);
    Count(-requested, prefix->tag);
    TellHooksOfFree(AllocationKind::kTensor, data, requested);
    if (pages == nullptr) {
      std::free(prefix);
      return;
    }
    store_.Free(std::move(pages));
    ReleaseAboveCeiling();  // a block is a few bytes larger than the request
    peak_reserved_ = std::max(peak_reserved_, live_ + store_.kept_bytes());
  }

  static void Delete(void* data) noexcept;

  mutable std::mutex mutex_;  // guards everything below. See Note [One lock]
  PageStore store_;
  bool reuse_ = true;
  std::vector<AllocationHook*> hooks_;  // in the order in which they were added
  int64_t live_ = 0;
  BytesByTag by_tag_{};     // of live_
  PeakByPhase peaks_{};     // of live_
  int64_t scope_peak_ = 0;  // of live_
  int64_t peak_reserved_ = 0;
  int64_t budget_ = 0;
  std::string origin_;  // of the budget
  int64_t pressure_ceiling_ = 0;
  int64_t num_refusals_ = 0;
  int64_t needed_ = 0;
};

// Never destroyed, because tensors of static lifetime are freed after main.
CpuAllocator& TheAllocator() {
  static CpuAllocator* const allocator = new CpuAllocator;
  return *allocator;
}

void CpuAllocator::Delete(void* data) noexcept {
  if (data != nullptr) TheAllocator().Free(data);
}

std::new_handler handler_before = nullptr;

// See Note [Kept blocks go back before operator new fails].
void GiveKeptBlocksToNew() {
  if (!Lock::held_here && TheAllocator().ReleaseKept() > 0) return;  // operator new tries again
  if (handler_before == nullptr) throw std::bad_alloc();
  handler_before();
}

}  // namespace

void InstallCpuAllocator(bool reuse) {
  if (CpuAllocatorInstalled()) return;
  TheAllocator().set_reuse(reuse);
  handler_before = std::set_new_handler(&GiveKeptBlocksToNew);
  c10::SetCPUAllocator(&TheAllocator(), /*priority=*/1);
}

bool CpuAllocatorInstalled() { return c10::GetCPUAllocator() == &TheAllocator(); }

CpuMemoryReading ReadCpuMemory() { return TheAllocator().Read(); }
void ResetCpuScopePeak() { TheAllocator().ResetScopePeak(); }
void ResetCpuPeaks() { TheAllocator().ResetPeaks(); }
void SetCpuBudget(int64_t budget_bytes, const std::string& origin) {
  TheAllocator().set_budget(budget_bytes, origin);
}
int64_t CpuBudget() { return TheAllocator().budget(); }
std::string CpuBudgetOrigin() { return TheAllocator().origin(); }
void SetCpuPressureCeiling(int64_t bytes) { TheAllocator().set_pressure_ceiling(bytes); }
int64_t ReleaseKeptCpuBlocks() { return TheAllocator().ReleaseKept(); }
void AddCpuAllocationHook(AllocationHook* hook) { TheAllocator().AddHook(hook); }
void RemoveCpuAllocationHook(AllocationHook* hook) { TheAllocator().RemoveHook(hook); }

void RetagCpuBlock(const void* data, MemoryTag tag) {
  if (data != nullptr) TheAllocator().Retag(const_cast<void*>(data), tag);
}

CpuCharge::CpuCharge(int64_t bytes, MemoryTag tag) : bytes_(bytes), tag_(tag) {
  if (bytes_ > 0) TheAllocator().Charge(bytes_, tag_);
}
CpuCharge::~CpuCharge() {
  if (bytes_ > 0) TheAllocator().Discharge(bytes_, tag_);
}
CpuCharge::CpuCharge(CpuCharge&& other) noexcept
    : bytes_(std::exchange(other.bytes_, 0)), tag_(other.tag_) {}

}  // namespace slimreel
