#include "memory/tracking/accelerator_budget.h"

#include <c10/core/AllocatorConfig.h>
#include <c10/core/CachingDeviceAllocator.h>

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

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
constexpr char kFractionKey[] = "per_process_memory_fraction";
constexpr int kFractionDigits = 12;

bool TakesFraction() {
  return c10::CachingAllocator::AcceleratorAllocatorConfig::getKeys().count(kFractionKey) > 0;
}

}  // namespace

c10::DeviceIndex DeviceIndexOf(at::Device device) {
  return device.has_index() ? device.index() : 0;
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
  // Settings that the user gave in the environment stay in force.
  const std::string before = c10::CachingAllocator::getAllocatorSettings();
  c10::CachingAllocator::setAllocatorSettings(absl::StrCat(
      before, before.empty() ? "" : ",", kFractionKey, ":", MemoryFraction(budget_bytes, total)));
  return absl::OkStatus();
}

}  // namespace slimreel
