// The allocations of a step as a list, to be replayed through other allocators.
//
// Recorded by //trainer/benchmark:record_allocations, replayed by allocator_benchmark.
// Threading: one thread; the recorder is called by one at a time.
//
// As a file: the first line is "# " and what was recorded; then one line an event,
// "+BYTES" where a block is allocated and "-NUMBER" where the block of that number
// (counted from 0 in order of allocation) is freed.
#ifndef MEMORY_TRACKING_ALLOCATION_TRACE_H_
#define MEMORY_TRACKING_ALLOCATION_TRACE_H_

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "memory/tracking/allocation_hook.h"

namespace slimreel {

struct AllocationEvent {
  int64_t block = 0;
  int64_t bytes = 0;  // 0: the block is freed
  friend bool operator==(const AllocationEvent&, const AllocationEvent&) = default;
};

struct AllocationTrace {
  std::string description;
  std::vector<AllocationEvent> events;  // every block is freed in the end, once

  int64_t num_blocks() const;
  int64_t allocated_bytes() const;  // sum over all blocks
  int64_t peak_bytes() const;       // highest sum of live blocks
};

absl::Status WriteAllocationTrace(const AllocationTrace& trace, const std::string& path);
// Errors: NotFound; DataLoss with the line where the file is no trace.
absl::StatusOr<AllocationTrace> ReadAllocationTrace(const std::string& path);

// Notes tensor allocations while it is the allocator's observer; blocks that are
// older are left out, and charges, which allocate nothing.
class AllocationRecorder final : public AllocationHook {
 public:
  // Takes the memory for the two below, of all blocks that live; throws std::bad_alloc.
  void BeforeAllocate(AllocationKind kind, int64_t bytes) override;
  void OnAllocate(AllocationKind kind, const void* data, int64_t bytes) noexcept override;
  void OnFree(AllocationKind kind, const void* data, int64_t bytes) noexcept override;
  // What was recorded; blocks that still live are freed at its end, oldest first.
  AllocationTrace Take(const std::string& description);

 private:
  AllocationTrace trace_;
  int64_t num_blocks_ = 0;
  using Live = std::unordered_map<const void*, int64_t>;  // data -> block
  Live live_;
  Live::node_type spare_;  // of the next block
};

}  // namespace slimreel

#endif  // MEMORY_TRACKING_ALLOCATION_TRACE_H_
