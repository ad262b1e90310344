// Brings pages of a block in host memory to the device, one after the other, through two buffers:
// while one page is worked on, the next one is on its way. All pages together need the device
// memory of two.
//
// See Note [When copies are waited for]. Threading: one thread. Ownership: the pager shares the
// host block and owns the buffers.
#ifndef MEMORY_PAGING_PAGER_H_
#define MEMORY_PAGING_PAGER_H_

#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>

#include <cstdint>
#include <memory>
#include <vector>

namespace slimreel {

// Bytes `first` to `first + count` of the host block. Both are multiples of kPageAlignment, except
// that a page may end anywhere.
struct PageRange {
  int64_t first = 0;
  int64_t count = 0;
};
inline constexpr int64_t kPageAlignment = 64;

// What comes to the device together. In the buffer its ranges stand one after the other, each at
// the next multiple of kPageAlignment.
using PageRanges = std::vector<PageRange>;

class Pager {
 public:
  // `host`: uint8, one dimension, from a HostPool. Takes two buffers on the device, each as large
  // as the largest page of even or of odd number. Throws c10::OutOfMemoryError.
  Pager(at::Tensor host, at::Device device, std::vector<PageRanges> pages);
  ~Pager();
  Pager(const Pager&) = delete;
  Pager& operator=(const Pager&) = delete;

  int64_t buffer_bytes() const;  // of both buffers
  // What the buffers for these pages take together.
  static int64_t BufferBytesFor(const std::vector<PageRanges>& pages);

  // The work goes through the pages in their order:
  //   Start();  for each page p: { Await(p); ... work on Buffer(p) ...; Done(p); }
  // Await(p) makes the device's current stream wait for page p, and starts the copy of page p + 1.
  // Done(p) starts the copy back of what the current stream leaves in the buffer; a page that was
  // only read needs none. None of them takes device memory. Any of them may be called again.
  void Start();
  void Await(int page);
  at::Tensor Buffer(int page) const;  // uint8, of the size of the page's ranges
  void Done(int page);

  // The host waits until every copy has ended. Only then may it read or write the host block.
  void Synchronize();

 private:
  class Streams;
  void FetchUpTo(int page);
  void Copy(int page, bool to_device);

  const at::Device device_;
  const std::vector<PageRanges> pages_;
  const at::Tensor host_;
  at::Tensor buffers_[2];
  std::unique_ptr<Streams> streams_;  // null on the CPU, where copies are done at once
  int next_fetch_ = 0;
};

}  // namespace slimreel

#endif  // MEMORY_PAGING_PAGER_H_
