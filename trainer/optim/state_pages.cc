#include "trainer/optim/state_pages.h"

#include <algorithm>

namespace slimreel {
namespace {

int64_t Aligned(int64_t bytes) {
  return (bytes + kPageAlignment - 1) / kPageAlignment * kPageAlignment;
}

int64_t TensorBytes(const StateItem& item) { return item.elements * item.element_bytes; }
int64_t ItemBytes(const StateItem& item, int num_states) {
  return num_states * Aligned(TensorBytes(item));
}

// Appends a range of the host block to the page, and returns where it begins in the buffer. It
// joins the range before if it continues it.
int64_t Append(PageRange range, int64_t& buffer_bytes, PageRanges& ranges) {
  const int64_t at_byte = Aligned(buffer_bytes);
  buffer_bytes = at_byte + range.count;
  if (!ranges.empty()) {
    PageRange& last = ranges.back();
    if (Aligned(last.first + last.count) == range.first) {
      last.count = range.first + range.count - last.first;
      return at_byte;
    }
  }
  ranges.push_back(range);
  return at_byte;
}

// One page from pieces of several items.
class PageBuilder {
 public:
  PageBuilder(const std::vector<StateItem>& items, int num_states)
      : items_(items), num_states_(num_states) {}

  void Add(int number, int64_t first, int64_t count) {
    const StateItem& item = items_[number];
    StatePiece piece;
    piece.item = number;
    piece.first = first;
    piece.count = count;
    for (int state = 0; state < num_states_; ++state) {
      piece.buffer_first[state] =
          Append({StateFirst(item, state) + first * item.element_bytes, count * item.element_bytes},
                 buffer_bytes_, page_.ranges);
    }
    page_.pieces.push_back(piece);
  }
  int64_t buffer_bytes() const { return buffer_bytes_; }
  void FinishInto(std::vector<StatePage>& pages) {
    if (!page_.pieces.empty()) pages.push_back(std::move(page_));
    page_ = StatePage();
    buffer_bytes_ = 0;
  }

 private:
  const std::vector<StateItem>& items_;
  const int num_states_;
  StatePage page_;
  int64_t buffer_bytes_ = 0;
};

}  // namespace

int64_t LayOutState(int num_states, std::vector<StateItem>& items) {
  int64_t bytes = 0;
  for (StateItem& item : items) {
    item.host_first = bytes;
    bytes += ItemBytes(item, num_states);
  }
  return bytes;
}

int64_t StateFirst(const StateItem& item, int state) {
  return item.host_first + state * Aligned(TensorBytes(item));
}

std::vector<StatePage> CutIntoPages(const std::vector<StateItem>& items,
                                    const std::vector<int>& chosen, int num_states,
                                    int64_t page_bytes, int64_t cut_elements) {
  std::vector<StatePage> pages;
  PageBuilder page(items, num_states);
  for (int number : chosen) {
    const StateItem& item = items[number];
    const int64_t bytes = ItemBytes(item, num_states);
    if (page.buffer_bytes() + bytes > page_bytes) page.FinishInto(pages);
    int64_t piece = item.elements;
    if (bytes > page_bytes && cut_elements > 0 && item.elements % cut_elements == 0) {
      const int64_t fitting = page_bytes / (num_states * item.element_bytes);
      piece = std::max(fitting / cut_elements, int64_t{1}) * cut_elements;
    }
    for (int64_t first = 0; first < item.elements; first += piece) {
      page.Add(number, first, std::min(piece, item.elements - first));
      if (piece < item.elements) page.FinishInto(pages);
    }
  }
  page.FinishInto(pages);
  return pages;
}

}  // namespace slimreel
