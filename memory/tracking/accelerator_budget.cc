#include "memory/tracking/accelerator_budget.h"

#include <c10/core/AllocatorConfig.h>
#include <c10/core/CachingDeviceAllocator.h>

#include <algorithm>
#include <cmath>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/exit_code.h"

namespace slimreel {
namespace {

// Note [A ceiling without the vendor's headers]
// c10's device-generic allocator interface can read statistics and empty caches, but has no
// ceiling. CUDA's own interface has one (setMemoryFraction), but its headers include the CUDA
// toolkit's. Neither a CPU wheel nor the runtime wheels of a CUDA wheel hold all of those
// (crt/host_config.h comes with the compiler). The generic *settings* do reach the allocator:
// the device's library registers a hook in libc10 that parses the key
// per_process_memory_fraction of PYTORCH_CUDA_ALLOC_CONF, and each device's allocator reads the
// key once, when it is made. So the same program, built against a CPU wheel, can set the ceiling
// if the hook is registered.
//
// Note [Segments pass the ceiling by a part of a page]
// With expandable segments, the allocator compares a request, rounded up to 2 MiB, with the
// ceiling, but then maps whole pages of large_segment_size (20 MiB). So what is reserved may pass
// the ceiling of the settings by the difference, and that ceiling must be lower than the budget.
constexpr char kFractionKey[] = "per_process_memory_fraction";
constexpr char kExpandableKey[] = "expandable_segments";
constexpr int kFractionDigits = 12;
constexpr int64_t kCheckedBytes = int64_t{2} << 20;

using Settings = c10::CachingAllocator::AcceleratorAllocatorConfig;

bool TakesFraction() { return Settings::getKeys().count(kFractionKey) > 0; }

// Settings that the user gave in the environment stay in force.
void AddSetting(const std::string& key, const std::string& value) {
  const std::string before = c10::CachingAllocator::getAllocatorSettings();
  c10::CachingAllocator::setAllocatorSettings(
      absl::StrCat(before, before.empty() ? "" : ",", key, ":", value));
}

}  // namespace

c10::DeviceIndex DeviceIndexOf(at::Device device) {
  return device.has_index() ? device.index() : 0;
}

void UseExpandableSegments(at::Device device) {
  if (c10::getDeviceAllocator(device.type())->initialized()) return;
  const std::string before = c10::CachingAllocator::getAllocatorSettings();
  // Another backend of the allocator (cudaMallocAsync) has no segments.
  if (absl::StrContains(before, kExpandableKey) || absl::StrContains(before, "backend")) return;
  AddSetting(kExpandableKey, "True");
}

int64_t CeilingOfSettings(int64_t budget_bytes, bool expandable_segments,
                          int64_t large_segment_bytes) {
  return expandable_segments ? budget_bytes - (large_segment_bytes - kCheckedBytes) : budget_bytes;
}

std::string MemoryFraction(int64_t budget_bytes, int64_t total_bytes) {
  if (budget_bytes >= total_bytes) return "1";
  const double scale = std::pow(10.0, kFractionDigits);
  const double share = static_cast<double>(budget_bytes) / static_cast<double>(total_bytes);
  return absl::StrFormat("%.*f", kFractionDigits, std::floor(share * scale) / scale);
}

absl::Status SetAcceleratorBudget(at::Device device, int64_t budget_bytes) {
  if (!TakesFraction()) {
    return absl::UnimplementedError(absl::StrCat(
        "memory.budget cannot be enforced on ", device.str(), ": the allocator of this LibTorch ",
        "has no setting ", kFractionKey, "; use a newer CUDA wheel, or remove memory.budget"));
  }
  c10::DeviceAllocator* const allocator = c10::getDeviceAllocator(device.type());
  if (allocator->initialized()) {
    return absl::FailedPreconditionError(absl::StrCat(
        "memory.budget cannot be enforced on ", device.str(),
        ": its allocator is already in use; set the budget before the device's first tensor"));
  }
  const auto total = static_cast<int64_t>(allocator->getMemoryInfo(DeviceIndexOf(device)).second);
  const int64_t ceiling = CeilingOfSettings(budget_bytes, Settings::use_expandable_segments(),
                                            static_cast<int64_t>(Settings::large_segment_size()));
  if (ceiling <= 0) {
    return NothingFitsError(absl::StrCat("memory.budget = ", budget_bytes, " bytes is less than ",
                                         "what the allocator of ", device.str(), " takes at once (",
                                         Settings::large_segment_size(), " bytes); raise it"));
  }
  AddSetting(kFractionKey, MemoryFraction(ceiling, total));
  return absl::OkStatus();
}

}  // namespace slimreel
