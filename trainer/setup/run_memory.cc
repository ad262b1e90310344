#include "trainer/setup/run_memory.h"

#include <ATen/autocast_mode.h>
#include <malloc.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <utility>

#include "absl/strings/str_cat.h"
#include "memory/manager/process_memory.h"
#include "memory/tracking/device_memory.h"
#include "memory/tracking/resident_set.h"

namespace slimreel {
namespace {

// What giving back costs later: nothing; a system call; filling fresh pages; loading again.
enum CleanupCost { kNothing = 10, kSystemCall = 20, kFreshPages = 30, kLoadingAgain = 40 };

int64_t ReservedBytes(at::Device device) {
  const int64_t on_host = ReadDeviceMemory(at::kCPU).reserved_bytes;
  return device.is_cpu() ? on_host : on_host + ReadDeviceMemory(device).reserved_bytes;
}

// Stages do not fill this cache (Note [No autocast cache]); other code of LibTorch may.
int64_t ClearAutocastCache(at::Device device) {
  const int64_t before = ReadDeviceMemory(device).live_bytes;
  at::autocast::clear_cache();
  return std::max<int64_t>(0, before - ReadDeviceMemory(device).live_bytes);
}

// malloc keeps pages of freed blocks.
int64_t TrimHeap() {
  const int64_t before = ReadResidentSet().bytes;
  malloc_trim(0);
  return std::max<int64_t>(0, before - ReadResidentSet().bytes);
}

int64_t ReleaseBlocks(at::Device device) {
  const int64_t before = ReservedBytes(device);
  ReleaseAllKeptBlocks();
  return std::max<int64_t>(0, before - ReservedBytes(device));
}

// One batch ahead stays, so that loading still overlaps the step.
Cleanup PrefetchCleanup(const std::string& name, Loader* loader, int64_t prefetch_batches) {
  return {.name = name,
          .cost = kLoadingAgain,
          .free = [loader] { return loader->LimitPrefetch(1); },
          .restore = [loader, prefetch_batches] { loader->LimitPrefetch(prefetch_batches); },
          .frees_device = false};
}

MemoryManagerOptions OptionsOf(const MemoryOptions& memory) {
  return {.rules = {.device_threshold = memory.gpu_threshold,
                    .host_threshold = memory.cpu_threshold,
                    .interval_seconds = memory.auto_cleanup_interval_seconds,
                    .force_cleanup_every = memory.force_cleanup_every},
          .monitor = memory.enable_monitoring};
}

}  // namespace

std::vector<PredictedSaving> PredictSavings(const PlanReport& plan, const LoaderRecord& loader,
                                            int64_t loader_bytes) {
  std::vector<PredictedSaving> savings;
  if (plan.planned) {
    const StepPrediction& chosen = plan.planned->prediction;
    for (const PlanAlternative& other : plan.planned->alternatives) {
      const int64_t saved = chosen.peak_bytes - other.prediction.peak_bytes;
      // The planner takes it if the budget leaves no other. A faster one may give another result.
      if (saved <= 0 || other.prediction.step_ms < chosen.step_ms) continue;
      const double longer = 100.0 * (other.prediction.step_ms / chosen.step_ms - 1.0);
      savings.push_back(
          {.setting = absl::StrCat("memory.budget=", other.prediction.peak_bytes),
           .device_bytes = saved,
           .price = absl::StrCat(
               other.plan.micro_batch != plan.plan.micro_batch ? "up to rounding; " : "",
               "each step is predicted to take ", std::lround(longer), " % longer")});
    }
  }
  // Buffers have one size. Without batches ahead, one of them is in use.
  const int64_t ahead = loader.prefetch_batches;
  if (ahead > 0) {
    savings.push_back({.setting = "dataloader.num_workers=0",
                       .host_bytes = loader_bytes * ahead / (ahead + 1),
                       .price = "each step waits for its batch"});
  }
  return savings;
}

RunMemory MakeRunMemory(const Config& config, const RunRequest& request, const RunData& data,
                        const PlanReport& plan) {
  const at::Device device = request.device;
  RunMemory memory;
  memory.manager = std::make_unique<MemoryManager>(OptionsOf(config.memory),
                                                   MakeProcessMemory(device, request.ceiling));
  MemoryManager& manager = *memory.manager;
  const auto add = [&](Cleanup cleanup) {
    memory.cleanups.push_back(manager.RegisterCleanup(std::move(cleanup)));
  };
  add({.name = "autocast_cache",
       .cost = kNothing,
       .free = [device] { return ClearAutocastCache(device); },
       .restore = nullptr});
  add({.name = "heap",
       .cost = kSystemCall,
       .free = TrimHeap,
       .restore = nullptr,
       .frees_device = false});
  add({.name = "kept_blocks",
       .cost = kFreshPages,
       .free = [device] { return ReleaseBlocks(device); },
       .restore = nullptr});
  Loader* const train = data.train.get();
  add(PrefetchCleanup("prefetch", train, data.record.prefetch_batches));
  if (data.val) {
    add(PrefetchCleanup("prefetch_val", data.val.get(), data.record.prefetch_batches));
  }
  manager.SetSavings([plan, train, record = data.record] {
    return PredictSavings(plan, record, train->buffer_bytes());
  });
  return memory;
}

}  // namespace slimreel
