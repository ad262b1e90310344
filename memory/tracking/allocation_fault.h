// Makes exactly one allocation run out of memory, for tests of recovery.
//
// Threading: allocations of any thread count. Construct and destroy it while no other thread
// allocates. It is a hook of the allocator as long as it lives.
#ifndef MEMORY_TRACKING_ALLOCATION_FAULT_H_
#define MEMORY_TRACKING_ALLOCATION_FAULT_H_

#include <cstdint>

#include "memory/tracking/allocation_hook.h"

namespace slimreel {

class AllocationFault final : public AllocationHook {
 public:
  enum class Where {
    kEverywhere,
    kWhileCharged,  // only while a CpuCharge lives: the trainer's retried region
  };
  static constexpr int64_t kNever = -1;

  // The `nth` allocation from now (counted from 0) throws c10::OutOfMemoryError, once. A charge
  // counts as an allocation. kNever: none throws; they are only counted.
  explicit AllocationFault(int64_t nth, Where where = Where::kEverywhere);
  ~AllocationFault() override;
  AllocationFault(const AllocationFault&) = delete;
  AllocationFault& operator=(const AllocationFault&) = delete;

  int64_t num_seen() const { return num_seen_; }
  bool thrown() const { return nth_ != kNever && num_seen_ > nth_; }

  void BeforeAllocate(AllocationKind kind, int64_t bytes) override;
  void OnAllocate(AllocationKind kind, const void* data, int64_t bytes) noexcept override;
  void OnFree(AllocationKind kind, const void* data, int64_t bytes) noexcept override;

 private:
  const int64_t nth_;
  const Where where_;
  int64_t num_seen_ = 0;
  int64_t num_charges_ = 0;  // charges that live now
};

}  // namespace slimreel

#endif  // MEMORY_TRACKING_ALLOCATION_FAULT_H_
