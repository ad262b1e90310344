// How many threads load, and how many batches wait, within the host's memory.
// Pure numbers; called by trainer/setup before a loader is opened.
#ifndef MEMORY_POLICY_LOADER_SIZING_H_
#define MEMORY_POLICY_LOADER_SIZING_H_

#include <cstdint>
#include <optional>

namespace slimreel {

struct LoaderSizingRequest {
  std::optional<int64_t> num_workers;      // dataloader.num_workers; none: auto
  std::optional<int64_t> prefetch_factor;  // dataloader.prefetch_factor; none: auto
  int64_t cores = 1;                       // that this process may use
  int64_t step_threads = 1;  // that compute the step; 1 where an accelerator does and one feeds it
  int64_t batch_bytes = 0;   // of one batch as it waits
  int64_t batches_in_use = 1;  // out of the queue, not yet given back
  int64_t budget_bytes = 0;    // for all buffers of this loader; 0: no bound
};

struct LoaderSizing {
  int64_t num_workers = 0;       // 0: a batch is made when it is asked for
  int64_t prefetch_batches = 0;  // being made or waiting
  int64_t buffer_bytes = 0;      // the most that buffers take: those batches and the ones in use
  bool lowered = false;          // the budget has room for less than was wanted
  bool fits = true;              // false: not even the batches in use do
};

// `auto` takes the cores that the step leaves, but at least one thread, so that
// reading never stands between two steps, and at most kMaxAutoWorkers: a thread
// copies crops out of mapped pages, which few threads already do at the memory's
// speed. Each has kAutoPrefetch batches ahead: one ready, one in the making. A budget
// takes away batches first and then the threads that have none to make.
inline constexpr int64_t kMaxAutoWorkers = 8;
inline constexpr int64_t kAutoPrefetch = 2;
LoaderSizing SizeLoader(const LoaderSizingRequest& request);

}  // namespace slimreel

#endif  // MEMORY_POLICY_LOADER_SIZING_H_
