// Blocks of whole pages that keep their physical pages when freed. A request is
// served by a freed block of that size, by splitting a larger one, or by moving
// the pages of several smaller ones under one new range of addresses (mremap):
// moving page tables is some hundred times faster than filling fresh pages. So
// fresh pages are taken only when too few are kept, and what is reserved never
// exceeds the highest sum of live blocks.
//
// Called by the CPU allocator alone. Threading: none; the caller locks.
#ifndef MEMORY_TRACKING_PAGE_STORE_H_
#define MEMORY_TRACKING_PAGE_STORE_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

namespace slimreel {

// A contiguous range of addresses. The kernel remaps one mapping at a time, so
// the block knows the mappings that it is made of.
struct PageBlock {
  char* base = nullptr;
  size_t bytes = 0;
  std::vector<size_t> segments;  // bytes of each mapping, in order of addresses
};

class PageStore {
 public:
  PageStore() = default;
  ~PageStore();  // gives the kept blocks back; live blocks stay valid
  PageStore(const PageStore&) = delete;
  PageStore& operator=(const PageStore&) = delete;

  // `bytes` rounded up to pages, contents undefined. The block has no bytes when
  // the system refuses, also after all kept pages were given back.
  PageBlock Allocate(size_t bytes);
  void Free(PageBlock block);

  // Gives kept pages back, at least `bytes` of them where so many are kept; returns the bytes
  // given.
  int64_t Release(int64_t bytes);

  int64_t kept_bytes() const { return kept_bytes_; }
  int64_t fresh_bytes() const { return fresh_bytes_; }  // ever taken from the system
  int64_t moved_bytes() const { return moved_bytes_; }  // ever moved by remapping

  static size_t RoundUp(size_t bytes);

 private:
  PageBlock TakeAtLeast(size_t bytes);
  PageBlock Assemble(size_t bytes);
  PageBlock MapFresh(size_t bytes);
  // Moves up to `wanted` bytes of kept pages to `target`; returns the bytes moved.
  size_t MoveKept(char* target, size_t wanted, std::vector<size_t>& segments);
  void Keep(PageBlock block);
  PageBlock TakeLargest();

  // By size; among equal ones the most recently freed first (its cache lines are warm).
  std::multimap<size_t, PageBlock> kept_;
  int64_t kept_bytes_ = 0;
  int64_t fresh_bytes_ = 0;
  int64_t moved_bytes_ = 0;
  int64_t kept_segments_ = 0;
};

}  // namespace slimreel

#endif  // MEMORY_TRACKING_PAGE_STORE_H_
