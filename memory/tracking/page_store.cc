#include "memory/tracking/page_store.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <limits>
#include <utility>

namespace slimreel {
namespace {

// A rest smaller than this stays with the block that is handed out.
constexpr size_t kSmallestRest = 16 << 10;
// More pieces than this are not worth their system calls: fresh pages are.
constexpr size_t kMostMoves = 64;
// Splitting and moving make mappings smaller and more numerous, and a process
// may hold 65530 of them: at this number all kept pages are given back.
constexpr int64_t kMostKeptSegments = 4096;

// Cuts the first `bytes` off `block`; both stay made of whole mappings or parts of one.
PageBlock CutHead(PageBlock& block, size_t bytes) {
  PageBlock head;
  head.base = block.base;
  head.bytes = bytes;
  size_t left = bytes;
  size_t whole = 0;
  while (whole < block.segments.size() && block.segments[whole] <= left) {
    left -= block.segments[whole++];
  }
  head.segments.assign(block.segments.begin(), block.segments.begin() + whole);
  block.segments.erase(block.segments.begin(), block.segments.begin() + whole);
  if (left > 0) {
    head.segments.push_back(left);
    block.segments[0] -= left;
  }
  block.base += bytes;
  block.bytes -= bytes;
  return head;
}

}  // namespace

PageStore::~PageStore() { Release(std::numeric_limits<int64_t>::max()); }

size_t PageStore::RoundUp(size_t bytes) {
  static const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  return (bytes + page - 1) / page * page;
}

PageBlock PageStore::Allocate(size_t bytes) {
  bytes = RoundUp(bytes);
  PageBlock block = TakeAtLeast(bytes);
  if (block.bytes == 0 && kept_bytes_ > 0) block = Assemble(bytes);
  if (block.bytes == 0) block = MapFresh(bytes);
  if (block.bytes == 0 && kept_bytes_ > 0) {
    Release(kept_bytes_);
    block = MapFresh(bytes);
  }
  return block;
}

void PageStore::Free(PageBlock block) {
  Keep(std::move(block));
  if (kept_segments_ > kMostKeptSegments) Release(kept_bytes_);
}

int64_t PageStore::Release(int64_t bytes) {
  int64_t released = 0;
  while (released < bytes && !kept_.empty()) {
    PageBlock block = TakeLargest();
    const int64_t missing = bytes - released;
    if (static_cast<int64_t>(block.bytes) > missing) {
      PageBlock head = CutHead(block, RoundUp(static_cast<size_t>(missing)));
      if (block.bytes > 0) Keep(std::move(block));
      block = std::move(head);
    }
    munmap(block.base, block.bytes);
    released += static_cast<int64_t>(block.bytes);
  }
  return released;
}

PageBlock PageStore::TakeAtLeast(size_t bytes) {
  const auto found = kept_.lower_bound(bytes);
  if (found == kept_.end()) return {};
  PageBlock block = std::move(found->second);
  kept_.erase(found);
  kept_bytes_ -= static_cast<int64_t>(block.bytes);
  kept_segments_ -= static_cast<int64_t>(block.segments.size());
  if (block.bytes - bytes < kSmallestRest) return block;
  PageBlock head = CutHead(block, bytes);
  Keep(std::move(block));
  return head;
}

PageBlock PageStore::Assemble(size_t bytes) {
  void* range = mmap(nullptr, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (range == MAP_FAILED) return {};
  PageBlock block;
  block.base = static_cast<char*>(range);
  block.bytes = bytes;
  const size_t moved = MoveKept(block.base, bytes, block.segments);
  if (moved == bytes) return block;
  // Too few pages, or in too many pieces: the rest is fresh, and as much of what is kept goes.
  const size_t rest = bytes - moved;
  Release(static_cast<int64_t>(rest));
  if (mmap(block.base + moved, rest, PROT_READ | PROT_WRITE,
           MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED) {
    munmap(block.base, bytes);
    return {};
  }
  fresh_bytes_ += static_cast<int64_t>(rest);
  block.segments.push_back(rest);
  return block;
}

size_t PageStore::MoveKept(char* target, size_t wanted, std::vector<size_t>& segments) {
  size_t moved = 0;
  for (size_t moves = 0; moved < wanted && moves < kMostMoves && !kept_.empty(); ++moves) {
    PageBlock source = TakeLargest();
    const size_t take = std::min(source.segments[0], wanted - moved);
    PageBlock head = CutHead(source, take);
    if (source.bytes > 0) Keep(std::move(source));
    if (mremap(head.base, take, take, MREMAP_MAYMOVE | MREMAP_FIXED, target + moved) ==
        MAP_FAILED) {
      munmap(head.base, take);
      break;
    }
    moved += take;
    segments.push_back(take);
  }
  moved_bytes_ += static_cast<int64_t>(moved);
  return moved;
}

PageBlock PageStore::MapFresh(size_t bytes) {
  void* range = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (range == MAP_FAILED) return {};
  fresh_bytes_ += static_cast<int64_t>(bytes);
  return {static_cast<char*>(range), bytes, {bytes}};
}

void PageStore::Keep(PageBlock block) {
  kept_bytes_ += static_cast<int64_t>(block.bytes);
  kept_segments_ += static_cast<int64_t>(block.segments.size());
  const size_t bytes = block.bytes;
  kept_.emplace_hint(kept_.lower_bound(bytes), bytes, std::move(block));
}

PageBlock PageStore::TakeLargest() {
  const auto largest = std::prev(kept_.end());
  PageBlock block = std::move(largest->second);
  kept_.erase(largest);
  kept_bytes_ -= static_cast<int64_t>(block.bytes);
  kept_segments_ -= static_cast<int64_t>(block.segments.size());
  return block;
}

}  // namespace slimreel
