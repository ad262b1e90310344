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
// c10's device-generic allocator interface reads and cleans up but knows no
// ceiling. CUDA's own interface does (setMemoryFraction), but its headers include
// the toolkit's, which neither a CPU wheel nor the runtime wheels that a CUDA
// wheel depends on hold completely (crt/host_config.h comes with the compiler).
// The generic *settings* do reach it: PYTORCH_CUDA_ALLOC_CONF's key
// per_process_memory_fraction is parsed by a hook that the device's library
// registers in libc10, and each device's allocator reads it once, when it is made.
// So the same program, built against a CPU wheel, sets it where the hook is there.
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
        "has no setting ", kFractionKey, "; use a newer CUDA wheel, or leave memory.budget out"));
  }
  c10::DeviceAllocator* const allocator = c10::getDeviceAllocator(device.type());
  if (allocator->initialized()) {
    return absl::FailedPreconditionError(absl::StrCat(
        "memory.budget cannot be enforced on ", device.str(),
        ": its allocator is in use already, and reads the setting only when it is made"));
  }
  const auto total = static_cast<int64_t>(allocator->getMemoryInfo(DeviceIndexOf(device)).second);
  // Settings that the user gave by the environment stay in force.
  const std::string before = c10::CachingAllocator::getAllocatorSettings();
  c10::CachingAllocator::setAllocatorSettings(absl::StrCat(
      before, before.empty() ? "" : ",", kFractionKey, ":", MemoryFraction(budget_bytes, total)));
  return absl::OkStatus();
}

}  // namespace slimreel
