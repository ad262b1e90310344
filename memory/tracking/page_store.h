// Blocks of whole pages that keep their physical pages when freed. A request is
// served by a freed block of that size, by splitting a larger one, or by moving
// the pages of several smaller ones under one new range of addresses (mremap):
// moving page tables is some hundred times faster than filling fresh pages. So
// fresh pages are taken only when too few are kept, and what is reserved never
// exceeds the highest sum of live blocks.
//
// See Note [Book-keeping takes no memory when it may not fail] in page_store.cc.
//
// Threading: none; the caller locks.
#ifndef MEMORY_TRACKING_PAGE_STORE_H_
#define MEMORY_TRACKING_PAGE_STORE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace slimreel {

// A contiguous range of addresses. The kernel remaps one mapping at a time, so
// the block knows the mappings that it is made of.
struct PageBlock {
  // Pages are moved out of at most kMaxMoves mappings into one block, and the rest is fresh.
  static constexpr size_t kMaxMoves = 64;
  static constexpr size_t kMaxSegments = kMaxMoves + 1;

  char* base = nullptr;
  size_t bytes = 0;
  size_t num_segments = 0;
  size_t segments[kMaxSegments];  // bytes of each mapping, in order of addresses
};

class PageStore {
 public:
  PageStore();
  ~PageStore();  // gives the kept blocks back; live blocks stay valid
  PageStore(const PageStore&) = delete;
  PageStore& operator=(const PageStore&) = delete;

  // `bytes` rounded up to pages, contents undefined. Null when the system refuses the
  // pages or the memory for their record, also after all kept pages were given back.
  std::unique_ptr<PageBlock> Allocate(size_t bytes) noexcept;
  void Free(std::unique_ptr<PageBlock> block) noexcept;

  // Gives kept pages back, at least `bytes` of them where so many are kept; returns the bytes
  // given.
  int64_t Release(int64_t bytes) noexcept;

  int64_t kept_bytes() const { return kept_bytes_; }
  int64_t fresh_bytes() const { return fresh_bytes_; }  // ever taken from the system
  int64_t moved_bytes() const { return moved_bytes_; }  // ever moved by remapping

  static size_t RoundUp(size_t bytes);

 private:
  struct Kept {
    size_t bytes;      // the block's, beside its address: a search reads no block
    PageBlock* block;  // owned; plain, so that entries are moved by memmove
  };

  std::unique_ptr<PageBlock> TakeAtLeast(size_t bytes) noexcept;
  std::unique_ptr<PageBlock> Assemble(size_t bytes) noexcept;
  std::unique_ptr<PageBlock> MapFresh(size_t bytes) noexcept;
  // Moves up to `wanted` bytes of kept pages to the start of `target`; returns the bytes moved.
  size_t MoveKept(PageBlock& target, size_t wanted) noexcept;
  std::vector<Kept>::iterator FirstAtLeast(size_t bytes) noexcept;
  void Keep(std::unique_ptr<PageBlock> block) noexcept;
  std::unique_ptr<PageBlock> Take(std::vector<Kept>::iterator kept) noexcept;
  std::unique_ptr<PageBlock> TakeLargest() noexcept;

  // By size; among equal ones the most recently freed first (its cache lines are warm). Its
  // memory is taken at construction.
  std::vector<Kept> kept_;
  int64_t kept_bytes_ = 0;
  int64_t fresh_bytes_ = 0;
  int64_t moved_bytes_ = 0;
  int64_t kept_segments_ = 0;
};

}  // namespace slimreel

#endif  // MEMORY_TRACKING_PAGE_STORE_H_
