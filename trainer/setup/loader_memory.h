// Sizes the loaders of a run together, within memory.host_budget: threads, batches ahead and
// page-locked memory.
//
// Reads the machine's limits. Makes no tensor.
#ifndef TRAINER_SETUP_LOADER_MEMORY_H_
#define TRAINER_SETUP_LOADER_MEMORY_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "configs/schema.h"
#include "data/loading/loader_options.h"
#include "trainer/observers/observer.h"

namespace slimreel {

struct ComputeResources {
  int64_t cores = 1;         // this process may use
  int64_t step_threads = 1;  // the step computes with; 1 with an accelerator
  bool accelerator = false;
};

// Fills in num_workers, prefetch_batches, queue_budget_bytes and pin_memory of each of `loaders`
// (training first) and logs them once. Their buffers together stay under memory.host_budget.
// Without it, `auto` stays under a quarter of what the host can still give. Returns the record of
// the first loader, for the summary. Errors: NothingFits if the budget does not hold one batch of
// each loader.
absl::StatusOr<LoaderRecord> SizeLoaders(const Config& config, const ComputeResources& resources,
                                         const std::vector<LoaderOptions*>& loaders);

// What loading takes outside of the allocator of tensors.
struct LoadingNeeds {
  int64_t buffer_bytes = 0;
  int64_t threads = 0;
};

// What `loaders`, once sized, take together on the host.
LoadingNeeds NeedsOf(const std::vector<LoaderOptions*>& loaders);

// Halves the batch of an evaluation until its inputs fit into `free_bytes`, or one clip is left,
// and logs that with `origin`, which sets the ceiling. It does not count what the model needs
// besides its inputs.
void FitEvaluationBatch(int64_t free_bytes, const std::string& origin, LoaderOptions* loader);

}  // namespace slimreel

#endif  // TRAINER_SETUP_LOADER_MEMORY_H_
