// Decides how many threads a loader has and how many batches wait, within the host's memory.
// Pure functions of numbers.
#ifndef MEMORY_POLICY_LOADER_SIZING_H_
#define MEMORY_POLICY_LOADER_SIZING_H_

#include <cstdint>
#include <optional>

namespace slimreel {

struct LoaderSizingRequest {
  std::optional<int64_t> num_workers;      // dataloader.num_workers; none: auto
  std::optional<int64_t> prefetch_factor;  // dataloader.prefetch_factor; none: auto
  int64_t cores = 1;                       // cores that this process may use
  int64_t step_threads = 1;  // threads that compute the step; 1 if an accelerator computes it
  int64_t batch_bytes = 0;   // bytes of one waiting batch
  int64_t in_use_bytes = 0;  // of what was taken from the queue and not yet given back
  int64_t budget_bytes = 0;  // bound for all buffers of this loader; 0: no bound
};

struct LoaderSizing {
  int64_t num_workers = 0;       // 0: a batch is made when the caller asks for it
  int64_t prefetch_batches = 0;  // batches that are being made or wait
  int64_t buffer_bytes = 0;      // most that buffers take: prefetched batches + what is in use
  bool lowered = false;          // true: the budget has less room than was wanted
  bool fits = true;              // false: the budget is below what is in use
};

// `auto` takes the cores that the step leaves free:
// - at least one thread, so that no step waits for reading;
// - at most kMaxAutoWorkers. A thread copies crops out of mapped pages, and a few threads
//   already do this at the memory's speed.
// Each thread has kAutoPrefetch batches ahead: one ready, one in the making. If the budget is
// too small, it first removes batches, then the threads that have no batch left to make.
inline constexpr int64_t kMaxAutoWorkers = 8;
inline constexpr int64_t kAutoPrefetch = 2;
LoaderSizing SizeLoader(const LoaderSizingRequest& request);

}  // namespace slimreel

#endif  // MEMORY_POLICY_LOADER_SIZING_H_
