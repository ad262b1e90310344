#include "memory/policy/loader_sizing.h"

#include <algorithm>

namespace slimreel {

LoaderSizing SizeLoader(const LoaderSizingRequest& request) {
  const int64_t free_cores = request.cores - request.step_threads;
  const int64_t workers =
      request.num_workers.value_or(std::clamp<int64_t>(free_cores, 1, kMaxAutoWorkers));
  const int64_t wanted = workers * request.prefetch_factor.value_or(kAutoPrefetch);
  LoaderSizing sizing;
  int64_t ahead = wanted;
  if (request.budget_bytes > 0 && request.batch_bytes > 0) {
    const int64_t room = request.budget_bytes - request.in_use_bytes;
    sizing.fits = room >= 0;
    ahead = std::clamp<int64_t>(room / request.batch_bytes, 0, wanted);
  }
  sizing.num_workers = std::min(workers, ahead);
  sizing.prefetch_batches = ahead;
  sizing.buffer_bytes = ahead * request.batch_bytes + request.in_use_bytes;
  sizing.lowered = ahead < wanted;
  return sizing;
}

}  // namespace slimreel
