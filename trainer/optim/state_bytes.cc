#include "trainer/optim/state_bytes.h"

#include <numeric>
#include <utility>

#include "memory/paging/pager.h"
#include "trainer/optim/state_pages.h"

namespace slimreel {
namespace {

// A step needs scalars (the norm of each tensor, their stack) and the kernels' partial sums: one
// 64-byte block each.
constexpr int64_t kReservePerParameter = 512;
constexpr int64_t kReserveFloor = 64 * 1024;
constexpr int64_t kCounterIncrement = sizeof(float);  // the number that step counters rise by

}  // namespace

int64_t OptimizerStateBytes(const TrainOptions& options, const std::vector<NamedTensor>& parameters,
                            int64_t block_bytes) {
  const auto rounded = [&](int64_t bytes) {
    return (bytes + block_bytes - 1) / block_bytes * block_bytes;
  };
  int64_t bytes = 0;
  for (const NamedTensor& named : parameters) {
    const int64_t tensor = rounded(static_cast<int64_t>(named.tensor.nbytes()));
    if (options.optimizer == OptimizerKind::kSgd) {
      bytes += options.momentum != 0.0 ? tensor : 0;
    } else {
      bytes += 2 * tensor + rounded(sizeof(float));  // two moments and a step counter
    }
  }
  return bytes;
}

int64_t PagedOptimizerBytes(const TrainOptions& options, const std::vector<NamedTensor>& parameters,
                            int64_t block_bytes) {
  constexpr int64_t kCutElements = 64;  // as the optimizer's on an accelerator
  const bool is_sgd = options.optimizer == OptimizerKind::kSgd;
  const int num_states = is_sgd ? (options.momentum != 0.0 ? 1 : 0) : 2;
  std::vector<StateItem> items;
  for (const NamedTensor& named : parameters) {
    items.push_back(
        {.elements = named.tensor.numel(), .element_bytes = named.tensor.element_size()});
  }
  const int64_t counters = is_sgd ? 0 : block_bytes * static_cast<int64_t>(items.size());
  if (num_states == 0 || items.empty()) return counters;
  LayOutState(num_states, items);
  std::vector<int> all(items.size());
  std::iota(all.begin(), all.end(), 0);
  std::vector<PageRanges> pages;
  for (StatePage& page :
       CutIntoPages(items, all, num_states, StatePaging().page_bytes, kCutElements)) {
    pages.push_back(std::move(page.ranges));
  }
  return counters + Pager::BufferBytesFor(pages);
}

int64_t ScratchReserveBytes(int64_t num_parameters) {
  return kReserveFloor + kReservePerParameter * num_parameters;
}

int64_t OptimizerReserveBytes(int64_t num_parameters) {
  if (num_parameters == 0) return 0;
  return ScratchReserveBytes(num_parameters) + kCounterIncrement;
}

}  // namespace slimreel
