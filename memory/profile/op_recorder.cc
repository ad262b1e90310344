#include "memory/profile/op_recorder.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace slimreel {

void OpRecorder::Begin() {
  in_operation_ = true;
  num_local_ = 0;
  events_.clear();
  living_.clear();
}

void OpRecorder::Continue(const std::vector<std::pair<BlockRef, BlockRef>>& renamed) {
  std::unordered_map<const void*, LivingBlock> kept;
  for (const auto& [data, living] : living_) {
    for (const auto& [from, to] : renamed) {
      if (living.block == from) kept[data] = {to, living.bytes};
    }
  }
  Begin();
  living_ = std::move(kept);
}

void OpRecorder::Adopt(const void* data, BlockRef block) {
  if (data != nullptr) living_[data] = {block, 0};
}

void OpRecorder::EndOperation() { in_operation_ = false; }

BlockRef OpRecorder::Find(const void* data) const {
  const auto found = living_.find(data);
  return found == living_.end() ? BlockRef{} : found->second.block;
}

std::vector<BlockRef> OpRecorder::Living() const {
  std::vector<BlockRef> blocks;
  for (const auto& [data, living] : living_) blocks.push_back(living.block);
  std::sort(blocks.begin(), blocks.end(), [](const BlockRef& a, const BlockRef& b) {
    return std::tuple(a.space == BlockSpace::kLocal, a.space, a.index) <
           std::tuple(b.space == BlockSpace::kLocal, b.space, b.index);
  });
  return blocks;
}

int64_t OpRecorder::BytesOf(const BlockRef& block) const {
  for (const auto& [data, living] : living_) {
    if (living.block == block) return living.bytes;
  }
  return 0;
}

// Takes the memory for the calls below, which must not fail.
void OpRecorder::BeforeAllocate(AllocationKind /*kind*/, int64_t /*bytes*/) {
  const size_t events = events_.size() + living_.size() + 2;
  if (events > events_.capacity()) events_.reserve(2 * events);
}

void OpRecorder::OnAllocate(AllocationKind kind, const void* data, int64_t bytes) noexcept {
  if (kind != AllocationKind::kTensor) return;
  const BlockRef block{BlockSpace::kLocal, num_local_};
  if (in_operation_) {
    events_.push_back({bytes, block});
    ++num_local_;
    living_[data] = {block, bytes};
  }
}

void OpRecorder::OnFree(AllocationKind kind, const void* data, int64_t /*bytes*/) noexcept {
  const auto found = living_.find(data);
  if (kind != AllocationKind::kTensor || found == living_.end()) return;
  if (in_operation_) events_.push_back({0, found->second.block});
  living_.erase(found);
}

}  // namespace slimreel
