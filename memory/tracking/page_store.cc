#include "memory/tracking/page_store.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <iterator>
#include <limits>
#include <new>
#include <utility>

namespace slimreel {
namespace {

using BlockPtr = std::unique_ptr<PageBlock>;

// Note [Book-keeping takes no memory when it must not fail]
// Deleters free blocks and must not throw, and pages are given back when memory is short. So the
// record of a block lives as long as the block, live or kept, and has room for all segments that a
// block can have. The list of kept blocks has room for all blocks that may be kept. Memory is taken
// only when a new block begins, by a request or by a split, and before anything changes. Without a
// record there is no block.

// When a block is split and the rest would be smaller than this, the rest stays with the block.
constexpr size_t kMinRest = 16 << 10;
// Splitting and moving make mappings smaller and more numerous, and a process may hold 65530 of
// them. When this many are kept, all kept pages are given back.
constexpr int64_t kMaxKeptSegments = 4096;

BlockPtr NewRecord() noexcept { return BlockPtr(new (std::nothrow) PageBlock); }

// Cuts the first `bytes` off `block`. If `head` is not null, it becomes the part that was cut off.
// Both consist of whole mappings or of parts of one mapping.
void CutHead(PageBlock& block, size_t bytes, PageBlock* head) noexcept {
  size_t left = bytes;
  size_t whole = 0;
  while (whole < block.num_segments && block.segments[whole] <= left) {
    left -= block.segments[whole++];
  }
  if (head != nullptr) {
    head->base = block.base;
    head->bytes = bytes;
    std::copy_n(block.segments, whole, head->segments);
    head->num_segments = whole;
    if (left > 0) head->segments[head->num_segments++] = left;
  }
  std::copy(block.segments + whole, block.segments + block.num_segments, block.segments);
  block.num_segments -= whole;
  if (left > 0) block.segments[0] -= left;
  block.base += bytes;
  block.bytes -= bytes;
}

}  // namespace

PageStore::PageStore() { kept_.reserve(kMaxKeptSegments + PageBlock::kMaxSegments); }

PageStore::~PageStore() { Release(std::numeric_limits<int64_t>::max()); }

size_t PageStore::RoundUp(size_t bytes) {
  static const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  return (bytes + page - 1) / page * page;
}

BlockPtr PageStore::Allocate(size_t bytes) noexcept {
  bytes = RoundUp(bytes);
  BlockPtr block = TakeAtLeast(bytes);
  if (block == nullptr && kept_bytes_ > 0) block = Assemble(bytes);
  if (block == nullptr) block = MapFresh(bytes);
  if (block == nullptr && kept_bytes_ > 0) {
    Release(kept_bytes_);
    block = MapFresh(bytes);
  }
  return block;
}

void PageStore::Free(BlockPtr block) noexcept {
  Keep(std::move(block));
  if (kept_segments_ > kMaxKeptSegments) Release(kept_bytes_);
}

int64_t PageStore::Release(int64_t bytes) noexcept {
  int64_t released = 0;
  while (released < bytes && !kept_.empty()) {
    BlockPtr block = TakeLargest();
    char* const base = block->base;
    size_t given = block->bytes;
    const int64_t missing = bytes - released;
    if (static_cast<int64_t>(given) > missing) {
      given = RoundUp(static_cast<size_t>(missing));
      CutHead(*block, given, nullptr);
      if (block->bytes > 0) Keep(std::move(block));
    }
    munmap(base, given);
    released += static_cast<int64_t>(given);
  }
  return released;
}

BlockPtr PageStore::TakeAtLeast(size_t bytes) noexcept {
  const auto found = FirstAtLeast(bytes);
  if (found == kept_.end()) return nullptr;
  const bool split = found->bytes - bytes >= kMinRest;
  BlockPtr head = split ? NewRecord() : nullptr;
  if (split && head == nullptr) return nullptr;
  BlockPtr block = Take(found);
  if (!split) return block;
  CutHead(*block, bytes, head.get());
  Keep(std::move(block));
  return head;
}

BlockPtr PageStore::Assemble(size_t bytes) noexcept {
  BlockPtr block = NewRecord();
  if (block == nullptr) return nullptr;
  void* range = mmap(nullptr, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (range == MAP_FAILED) return nullptr;
  block->base = static_cast<char*>(range);
  block->bytes = bytes;
  const size_t moved = MoveKept(*block, bytes);
  if (moved == bytes) return block;
  // Too few pages, or too many pieces: the rest is fresh, and as many kept bytes are given back.
  const size_t rest = bytes - moved;
  Release(static_cast<int64_t>(rest));
  if (mmap(block->base + moved, rest, PROT_READ | PROT_WRITE,
           MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED) {
    munmap(block->base, bytes);
    return nullptr;
  }
  fresh_bytes_ += static_cast<int64_t>(rest);
  block->segments[block->num_segments++] = rest;
  return block;
}

size_t PageStore::MoveKept(PageBlock& target, size_t wanted) noexcept {
  size_t moved = 0;
  for (size_t moves = 0; moved < wanted && moves < PageBlock::kMaxMoves && !kept_.empty();
       ++moves) {
    BlockPtr source = TakeLargest();
    char* const from = source->base;
    const size_t take = std::min(source->segments[0], wanted - moved);
    CutHead(*source, take, nullptr);
    if (source->bytes > 0) Keep(std::move(source));
    if (mremap(from, take, take, MREMAP_MAYMOVE | MREMAP_FIXED, target.base + moved) ==
        MAP_FAILED) {
      munmap(from, take);
      break;
    }
    moved += take;
    target.segments[target.num_segments++] = take;
  }
  moved_bytes_ += static_cast<int64_t>(moved);
  return moved;
}

BlockPtr PageStore::MapFresh(size_t bytes) noexcept {
  BlockPtr block = NewRecord();
  if (block == nullptr) return nullptr;
  void* range = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (range == MAP_FAILED) return nullptr;
  fresh_bytes_ += static_cast<int64_t>(bytes);
  block->base = static_cast<char*>(range);
  block->bytes = block->segments[0] = bytes;
  block->num_segments = 1;
  return block;
}

auto PageStore::FirstAtLeast(size_t bytes) noexcept -> std::vector<Kept>::iterator {
  return std::partition_point(kept_.begin(), kept_.end(),
                              [bytes](const Kept& kept) { return kept.bytes < bytes; });
}

void PageStore::Keep(BlockPtr block) noexcept {
  kept_bytes_ += static_cast<int64_t>(block->bytes);
  kept_segments_ += static_cast<int64_t>(block->num_segments);
  const size_t bytes = block->bytes;
  kept_.insert(FirstAtLeast(bytes), {bytes, block.release()});
}

BlockPtr PageStore::Take(std::vector<Kept>::iterator kept) noexcept {
  BlockPtr block(kept->block);
  kept_.erase(kept);
  kept_bytes_ -= static_cast<int64_t>(block->bytes);
  kept_segments_ -= static_cast<int64_t>(block->num_segments);
  return block;
}

BlockPtr PageStore::TakeLargest() noexcept { return Take(std::prev(kept_.end())); }

}  // namespace slimreel
