#include "trainer/evaluation/forward_peak.h"

#include <algorithm>
#include <cstddef>

#include "memory/executor/executor.h"
#include "memory/recovery/fits_in_memory.h"
#include "memory/tracking/device_allocation_hook.h"
#include "memory/tracking/memory_tag.h"
#include "trainer/planning/profile_batch.h"

namespace slimreel {

std::optional<AllocationTrace> ExtendTrace(const AllocationTrace& one, const AllocationTrace& two,
                                           int64_t size) {
  if (one.events.size() != two.events.size()) return std::nullopt;
  AllocationTrace trace = two;
  for (size_t n = 0; n < trace.events.size(); ++n) {
    const AllocationEvent& first = one.events[n];
    AllocationEvent& event = trace.events[n];
    if (first.block != event.block || (first.bytes == 0) != (event.bytes == 0)) return std::nullopt;
    event.bytes = std::max<int64_t>(0, first.bytes + (event.bytes - first.bytes) * (size - 1));
  }
  return trace;
}

const AllocationTrace* ForwardPeak::Measure(int64_t clips) {
  const auto [entry, is_new] = measured_.try_emplace(clips);
  std::optional<AllocationTrace>& trace = entry->second;
  // A refusal may have been for a moment only.
  for (int attempt = 0; is_new && !trace && attempt < 2; ++attempt) {
    AllocationRecorder recorder;
    const bool fits = FitsInMemory(device_, [&] {
      const TagScope scope(MemoryTag::kActivations);
      const Tensors inputs = MakeProfileBatch(model_, clips, device_).inputs;
      StageContext context;
      context.autocast = autocast_;
      const DeviceAllocationHook hook(device_, &recorder);
      Executor::Forward(model_.Chain(), context, inputs);
    });
    if (fits) trace = recorder.Take("");
  }
  return trace ? &*trace : nullptr;
}

std::optional<int64_t> ForwardPeak::Bytes(int64_t clips) {
  const AllocationTrace* const one = Measure(1);
  if (one == nullptr) return std::nullopt;
  if (clips == 1) return one->peak_bytes();
  const AllocationTrace* const two = Measure(2);
  if (two == nullptr) return std::nullopt;
  if (const auto trace = ExtendTrace(*one, *two, clips)) return trace->peak_bytes();
  const AllocationTrace* const own = Measure(clips);
  if (own == nullptr) return std::nullopt;
  return own->peak_bytes();
}

}  // namespace slimreel
