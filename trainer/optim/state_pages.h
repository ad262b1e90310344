// Where the optimizer's state stands in host memory, and how it is cut into pages that come to the
// device one after the other.
//
// Pure functions over numbers.
#ifndef TRAINER_OPTIM_STATE_PAGES_H_
#define TRAINER_OPTIM_STATE_PAGES_H_

#include <cstdint>
#include <vector>

#include "memory/paging/pager.h"

namespace slimreel {

class HostPool;

// Keeps exp_avg and exp_avg_sq (SGD: the momentum buffer) in host memory. They come to the device
// page by page, and are updated there by the same kernels, to the same bits.
struct StatePaging {
  HostPool* pool = nullptr;       // null: the state lies beside its parameters. Must outlive it
  int64_t page_bytes = 32 << 20;  // of each of the two buffers on the device; a larger parameter
                                  // that cannot be cut takes more
};

// The state of one parameter: `num_states` tensors of its size (exp_avg, then exp_avg_sq).
struct StateItem {
  int64_t elements = 0;
  int64_t element_bytes = 4;
  int64_t host_first = 0;  // where it begins in the host block; LayOutState sets it

  friend bool operator==(const StateItem&, const StateItem&) = default;
};

// Places the items one after the other, each tensor at a multiple of kPageAlignment. Returns the
// bytes of the host block.
int64_t LayOutState(int num_states, std::vector<StateItem>& items);

// Where tensor `state` of the item begins in the host block.
int64_t StateFirst(const StateItem& item, int state);

// Elements of one item that are stepped together.
struct StatePiece {
  int item = 0;
  int64_t first = 0;  // elements
  int64_t count = 0;
  int64_t buffer_first[2] = {0, 0};  // bytes into the page's buffer, one per state
};

struct StatePage {
  PageRanges ranges;
  std::vector<StatePiece> pieces;
};

// Cuts the items `chosen` (numbers into `items`, rising) into pages of at most `page_bytes`, and
// more only if one item cannot be cut. An item that is larger than a page is cut at multiples of
// `cut_elements` if its size is one; it then has pages of its own. 0: no item is cut.
// See Note [Where a parameter may be cut].
std::vector<StatePage> CutIntoPages(const std::vector<StateItem>& items,
                                    const std::vector<int>& chosen, int num_states,
                                    int64_t page_bytes, int64_t cut_elements);

}  // namespace slimreel

#endif  // TRAINER_OPTIM_STATE_PAGES_H_
