#include "trainer/setup/loader_memory.h"

#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/bytes.h"
#include "base/exit_code.h"
#include "base/logging.h"
#include "base/memory_limits.h"
#include "base/status_macros.h"
#include "data/loading/batch_layout.h"
#include "memory/policy/loader_sizing.h"

namespace slimreel {
namespace {

int64_t BatchBytes(const LoaderOptions& loader) {
  return BatchLayoutOf(loader, loader.batch_size).bytes;
}

// What was taken from the queue: its buffer and, if pages are locked, two copies of it. A step of
// an accelerator may still read the copy of the batch before.
int64_t InUseBytes(const LoaderOptions& loader, bool pin) {
  const int64_t copies = pin ? 2 * PageLockedBytesOf(loader, loader.batch_size) : 0;
  return BatchBytes(loader) + copies;
}

struct HostBudget {
  int64_t bytes = 0;  // for the buffers of all loaders
  // True: memory.host_budget. False: a share of what the host has left; it bounds only values that
  // are `auto`.
  bool hard = false;
  std::string origin;
};

absl::StatusOr<HostBudget> FindHostBudget(const Config& config) {
  SLIMREEL_ASSIGN_OR_RETURN(const HostMemory host, ReadHostMemory());
  if (!config.memory.host_budget.has_value()) {
    return HostBudget{host.headroom_bytes() / 4, false, "a quarter of the host's free memory"};
  }
  const Ceiling ceiling = LowestFreeCeiling(host, config.memory.host_budget, "memory.host_budget");
  return HostBudget{ceiling.bytes, true, ceiling.origin};
}

bool PinMemory(const Config& config, const ComputeResources& resources) {
  const bool pin = config.dataloader.pin_memory.value_or(resources.accelerator);
  if (pin && !resources.accelerator) {
    LOG(WARNING) << "dataloader.pin_memory=true has no effect: the step runs on the CPU, which "
                    "reads batches in place";
  }
  return pin && resources.accelerator;
}

absl::Status DoesNotFit(const HostBudget& budget, const std::vector<LoaderOptions*>& loaders,
                        int64_t needed_bytes) {
  const std::string batches =
      absl::StrJoin(loaders, ", ", [](std::string* out, const LoaderOptions* loader) {
        absl::StrAppend(out, loader->split, " ", FormatBytes(BatchBytes(*loader)));
      });
  return NothingFitsError(
      absl::StrCat(budget.origin, " = ", FormatBytes(budget.bytes),
                   " does not hold one batch of each loader (", batches, "); ", needed_bytes,
                   " bytes are needed: they take ", RaiseCeilingRemedy(budget.origin),
                   ", or a lower data.batch_size, train.accumulate_grad_batches, "
                   "data.eval_batch_size, data.num_frames or data.img_size"));
}

void LogSizing(const Config& config, const ComputeResources& resources, const LoaderOptions& loader,
               const LoaderSizing& sizing) {
  std::string why;
  if (!config.dataloader.num_workers.has_value()) {
    why = absl::StrCat(" (auto: ", resources.cores, " cores, ", resources.step_threads,
                       " of them for the step)");
  }
  if (sizing.lowered) {
    absl::StrAppend(&why, ", lowered to what ",
                    config.memory.host_budget.has_value() ? "memory.host_budget" : "the host",
                    " has room for");
  }
  LOG(INFO) << "loading " << loader.split << ": " << sizing.num_workers << " workers, "
            << sizing.prefetch_batches << " batches of " << FormatBytes(BatchBytes(loader))
            << " ahead" << why << "; buffers of at most " << FormatBytes(sizing.buffer_bytes)
            << (loader.pin_memory ? ", page-locked" : "");
}

}  // namespace

LoadingNeeds NeedsOf(const std::vector<LoaderOptions*>& loaders) {
  LoadingNeeds needs;
  for (const LoaderOptions* loader : loaders) {
    needs.buffer_bytes += loader->queue_budget_bytes + InUseBytes(*loader, loader->pin_memory);
    needs.threads += loader->num_workers;
  }
  return needs;
}

void FitEvaluationBatch(int64_t free_bytes, const std::string& origin, LoaderOptions* loader) {
  const int64_t wanted = loader->batch_size;
  const int64_t wanted_bytes = BatchBytes(*loader);
  while (loader->batch_size > 1 && BatchBytes(*loader) > free_bytes) {
    loader->batch_size = (loader->batch_size + 1) / 2;
  }
  if (loader->batch_size == wanted) return;
  LOG(INFO) << origin << " leaves " << FormatBytes(std::max<int64_t>(0, free_bytes))
            << " for an evaluation, so data.eval_batch_size = " << wanted << " ("
            << FormatBytes(wanted_bytes) << ") is lowered to " << loader->batch_size
            << "; the metrics stay the same";
}

absl::StatusOr<LoaderRecord> SizeLoaders(const Config& config, const ComputeResources& resources,
                                         const std::vector<LoaderOptions*>& loaders) {
  SLIMREEL_ASSIGN_OR_RETURN(const HostBudget budget, FindHostBudget(config));
  const DataloaderOptions& wanted = config.dataloader;
  const bool pin = PinMemory(config, resources);
  int64_t reserved = 0;  // one batch of each loader that is not sized yet
  for (const LoaderOptions* loader : loaders) reserved += InUseBytes(*loader, pin);
  if (budget.hard && reserved > budget.bytes) return DoesNotFit(budget, loaders, reserved);
  int64_t left = budget.bytes;
  for (LoaderOptions* loader : loaders) {
    reserved -= InUseBytes(*loader, pin);
    LoaderSizingRequest request{.num_workers = wanted.num_workers,
                                .prefetch_factor = wanted.prefetch_factor,
                                .cores = resources.cores,
                                .step_threads = resources.step_threads,
                                .batch_bytes = BatchBytes(*loader),
                                .in_use_bytes = InUseBytes(*loader, pin),
                                .budget_bytes = 0};
    const bool all_auto = !wanted.num_workers.has_value() && !wanted.prefetch_factor.has_value();
    if (budget.hard || all_auto) request.budget_bytes = std::max<int64_t>(1, left - reserved);
    const LoaderSizing sizing = SizeLoader(request);
    left -= sizing.buffer_bytes;
    loader->num_workers = static_cast<int>(sizing.num_workers);
    loader->prefetch_batches = static_cast<int>(sizing.prefetch_batches);
    loader->queue_budget_bytes = sizing.prefetch_batches * request.batch_bytes;
    loader->pin_memory = pin;
    LogSizing(config, resources, *loader, sizing);
  }
  return LoaderRecord{.num_workers = loaders[0]->num_workers,
                      .prefetch_batches = loaders[0]->prefetch_batches,
                      .pin_memory = pin,
                      .host_budget_bytes = budget.hard ? budget.bytes : 0};
}

}  // namespace slimreel
