// Blocks of whole pages that keep their physical pages when they are freed. A request gets a freed
// block of its size, or a part of a larger one, or the pages of several smaller ones, moved under
// one new range of addresses (mremap). Moving page tables is some hundred times faster than filling
// fresh pages. Fresh pages are taken only if too few are kept, so what is reserved never exceeds
// the highest sum of live blocks.
//
// See Note [Book-keeping takes no memory when it must not fail] in page_store.cc.
//
// Threading: not thread-safe; the caller locks.
#ifndef MEMORY_TRACKING_PAGE_STORE_H_
#define MEMORY_TRACKING_PAGE_STORE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace slimreel {

// A contiguous range of addresses. The kernel moves one mapping at a time, so the block knows the
// mappings that it consists of.
struct PageBlock {
  // At most kMaxMoves mappings are moved into one block; the rest of the block is fresh pages.
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

  // Returns a block of `bytes`, rounded up to pages, with undefined contents. Null if the system
  // refuses the pages or the memory for their record even after all kept pages were given back.
  std::unique_ptr<PageBlock> Allocate(size_t bytes) noexcept;
  void Free(std::unique_ptr<PageBlock> block) noexcept;

  // Gives kept pages back: at least `bytes`, or all if fewer are kept. Returns the bytes given
  // back.
  int64_t Release(int64_t bytes) noexcept;

  int64_t kept_bytes() const { return kept_bytes_; }
  int64_t fresh_bytes() const { return fresh_bytes_; }  // taken from the system so far
  int64_t moved_bytes() const { return moved_bytes_; }  // moved by remapping so far

  static size_t RoundUp(size_t bytes);

 private:
  struct Kept {
    size_t bytes;      // the block's size, stored here so that a search reads no block
    PageBlock* block;  // owned; a plain pointer, so that memmove can move entries
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

  // Sorted by size. Among equal sizes the most recently freed block is first, because its cache
  // lines are warm. The vector's memory is taken at construction.
  std::vector<Kept> kept_;
  int64_t kept_bytes_ = 0;
  int64_t fresh_bytes_ = 0;
  int64_t moved_bytes_ = 0;
  int64_t kept_segments_ = 0;
};

}  // namespace slimreel

#endif  // MEMORY_TRACKING_PAGE_STORE_H_
