// The allocations of a step as a list that can be replayed through other allocators.
//
// //trainer/benchmark:record_allocations records it, allocator_benchmark replays it.
// Threading: one thread. The allocator calls the recorder from one thread at a time.
//
// The file: the first line is "# " and a description. Then each line is one event: "+BYTES"
// allocates a block, "-NUMBER" frees the block of that number. Blocks are numbered from 0 in order
// of allocation.
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
  std::vector<AllocationEvent> events;  // every block is freed exactly once

  int64_t num_blocks() const;
  int64_t allocated_bytes() const;  // sum of all blocks
  int64_t peak_bytes() const;       // highest sum of live blocks
};

absl::Status WriteAllocationTrace(const AllocationTrace& trace, const std::string& path);
// Errors: NotFound; DataLoss with the line number if the file is not a trace.
absl::StatusOr<AllocationTrace> ReadAllocationTrace(const std::string& path);

// Records tensor allocations while it is the allocator's hook. It ignores blocks that are older
// than the recording, and charges, because they allocate nothing.
class AllocationRecorder final : public AllocationHook {
 public:
  // Takes the memory that OnAllocate and OnFree need for all live blocks. Throws std::bad_alloc.
  void BeforeAllocate(AllocationKind kind, int64_t bytes) override;
  void OnAllocate(AllocationKind kind, const void* data, int64_t bytes) noexcept override;
  void OnFree(AllocationKind kind, const void* data, int64_t bytes) noexcept override;
  // Returns the recording and starts anew. Blocks that still live are freed at its end, oldest
  // first.
  AllocationTrace Take(const std::string& description);

 private:
  AllocationTrace trace_;
  int64_t num_blocks_ = 0;
  using Live = std::unordered_map<const void*, int64_t>;  // data -> block
  Live live_;
  Live::node_type spare_;  // the map's node for the next block
};

}  // namespace slimreel

#endif  // MEMORY_TRACKING_ALLOCATION_TRACE_H_
