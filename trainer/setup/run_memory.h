// The memory manager of a training run, with the clean-ups that a run has to offer.
//
// Threading: one thread makes and destroys it; the manager has a thread of its own. Ownership: it
// owns the manager and borrows the loaders, which must outlive it.
#ifndef TRAINER_SETUP_RUN_MEMORY_H_
#define TRAINER_SETUP_RUN_MEMORY_H_

#include <memory>
#include <vector>

#include "configs/schema.h"
#include "memory/manager/memory_manager.h"
#include "trainer/planning/plan_page.h"
#include "trainer/setup/run_data.h"
#include "trainer/setup/run_request.h"

namespace slimreel {

struct RunMemory {
  std::unique_ptr<MemoryManager> manager;
  std::vector<CleanupHandle> cleanups;  // cheapest first
};

// Registers what can be given back: autocast's cache, free heap pages, blocks kept for reuse, and
// batches that were loaded ahead. `request.ceiling`: the one in force. The keys memory.*threshold,
// memory.auto_cleanup_interval, memory.force_cleanup_every and memory.enable_monitoring apply.
RunMemory MakeRunMemory(const Config& config, const RunRequest& request, const RunData& data,
                        const PlanReport& plan);

// What settings would save: the plan's alternatives that need less on the device, and batches that
// are loaded ahead.
std::vector<PredictedSaving> PredictSavings(const PlanReport& plan, const LoaderRecord& loader,
                                            int64_t loader_bytes);

}  // namespace slimreel

#endif  // TRAINER_SETUP_RUN_MEMORY_H_
