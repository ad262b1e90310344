// Sizes the loaders of a run together: threads, batches ahead, page-locked memory,
// within memory.host_budget.
//
// Reads the machine's limits; no tensor.
#ifndef TRAINER_SETUP_LOADER_MEMORY_H_
#define TRAINER_SETUP_LOADER_MEMORY_H_

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "configs/schema.h"
#include "data/loading/loader_options.h"
#include "trainer/observers/observer.h"

namespace slimreel {

struct ComputeResources {
  int64_t cores = 1;         // that this process may use
  int64_t step_threads = 1;  // that the step computes with; 1 with an accelerator
  bool accelerator = false;
};

// Fills num_workers, prefetch_batches, queue_budget_bytes and pin_memory of each of
// `loaders` (training first) and logs them once. Their buffers together stay under
// memory.host_budget; without one, `auto` stays under a quarter of what the host can
// still give. Returns what the summary says of the first. Errors: NothingFits where the
// budget does not hold one batch of each.
absl::StatusOr<LoaderRecord> SizeLoaders(const Config& config, const ComputeResources& resources,
                                         const std::vector<LoaderOptions*>& loaders);

// Halves the batch of an evaluation until its inputs take no more than `free_bytes`, at least one
// clip, and says so. What the model needs beside them shows when it runs.
void FitEvaluationBatch(int64_t free_bytes, LoaderOptions* loader);

}  // namespace slimreel

#endif  // TRAINER_SETUP_LOADER_MEMORY_H_
