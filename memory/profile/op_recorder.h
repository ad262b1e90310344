// Records the allocations and frees of one operation, with the blocks of others that it frees.
//
// Threading: as an AllocationHook: calls come one at a time. The profiling thread reads the result
// while nothing allocates.
#ifndef MEMORY_PROFILE_OP_RECORDER_H_
#define MEMORY_PROFILE_OP_RECORDER_H_

#include <cstdint>
#include <unordered_map>
#include <utility>
#include <vector>

#include "memory/profile/chain_profile.h"
#include "memory/tracking/allocation_hook.h"

namespace slimreel {

class OpRecorder final : public AllocationHook {
 public:
  // Starts a new operation: forgets all events, and blocks but those adopted from now on.
  void Begin();
  // Starts an operation that follows the recorded one: of the living blocks only those in `renamed`
  // stay known, by their new names.
  void Continue(const std::vector<std::pair<BlockRef, BlockRef>>& renamed);
  // A block that exists already and may be freed by the operation.
  void Adopt(const void* data, BlockRef block);
  // Events up to here are the operation's. Later frees only tell who held what.
  void EndOperation();

  const std::vector<TraceEvent>& events() const { return events_; }
  // The block at `data`; kExternal if it is neither adopted nor allocated, or is freed.
  BlockRef Find(const void* data) const;
  // Adopted and local blocks that live, adopted ones first, each kind by number.
  std::vector<BlockRef> Living() const;
  int64_t BytesOf(const BlockRef& block) const;

  void BeforeAllocate(AllocationKind kind, int64_t bytes) override;
  void OnAllocate(AllocationKind kind, const void* data, int64_t bytes) noexcept override;
  void OnFree(AllocationKind kind, const void* data, int64_t bytes) noexcept override;

 private:
  struct LivingBlock {
    BlockRef block;
    int64_t bytes;
  };
  bool in_operation_ = false;
  int32_t num_local_ = 0;
  std::vector<TraceEvent> events_;
  std::unordered_map<const void*, LivingBlock> living_;
};

}  // namespace slimreel

#endif  // MEMORY_PROFILE_OP_RECORDER_H_
