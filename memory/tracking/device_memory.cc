#include "memory/tracking/device_memory.h"

#include <ATen/DeviceAccelerator.h>
#include <c10/core/CPUAllocator.h>
#include <c10/core/CachingDeviceAllocator.h>

#include "memory/tracking/accelerator_budget.h"
#include "memory/tracking/cpu_allocator.h"

namespace slimreel {
namespace {

using c10::CachingAllocator::StatType;

// Null until the device holds its first tensor: the allocator does not exist yet and has no
// statistics.
c10::DeviceAllocator* ReadyAllocator(at::Device device) {
  c10::DeviceAllocator* const allocator = c10::getDeviceAllocator(device.type());
  return allocator->initialized() ? allocator : nullptr;
}

}  // namespace

DeviceMemoryReading ReadDeviceMemory(at::Device device) {
  if (device.is_cpu()) {
    const CpuMemoryReading cpu = ReadCpuMemory();
    return {.live_bytes = cpu.live_bytes,
            .peak_live_bytes = cpu.peak_live_bytes,
            .reserved_bytes = cpu.reserved_bytes,
            .peak_reserved_bytes = cpu.peak_reserved_bytes,
            .num_refusals = cpu.num_refusals,
            .needed_bytes = cpu.needed_bytes,
            .live_by_tag = cpu.live_by_tag,
            .peak_by_tag = cpu.peak_by_tag,
            .peak_by_phase = cpu.peak_by_phase};
  }
  c10::DeviceAllocator* const allocator = ReadyAllocator(device);
  if (allocator == nullptr) return {};
  const auto stats = allocator->getDeviceStats(DeviceIndexOf(device));
  const auto& live = stats.requested_bytes[static_cast<size_t>(StatType::AGGREGATE)];
  const auto& reserved = stats.reserved_bytes[static_cast<size_t>(StatType::AGGREGATE)];
  return {.live_bytes = live.current,
          .peak_live_bytes = live.peak,
          .reserved_bytes = reserved.current,
          .peak_reserved_bytes = reserved.peak,
          .num_refusals = stats.num_ooms,
          .needed_bytes = 0,
          .live_by_tag = {},
          .peak_by_tag = {},
          .peak_by_phase = {}};
}

void ResetDevicePeaks(at::Device device) {
  if (device.is_cpu()) return ResetCpuPeaks();
  c10::DeviceAllocator* const allocator = ReadyAllocator(device);
  if (allocator != nullptr) allocator->resetPeakStats(DeviceIndexOf(device));
}

void ReleaseKeptDeviceBlocks(at::Device device) {
  if (device.is_cpu()) {
    ReleaseKeptCpuBlocks();
    return;
  }
  c10::DeviceAllocator* const allocator = ReadyAllocator(device);
  if (allocator != nullptr) allocator->emptyCache();
}

void ReleaseAllKeptBlocks() {
  ReleaseKeptCpuBlocks();
  const auto accelerator = at::accelerator::getAccelerator(/*checked=*/false);
  if (accelerator.has_value()) ReleaseKeptDeviceBlocks(c10::Device(*accelerator));
}

void RetagTensor(const at::Tensor& tensor, MemoryTag tag) {
  if (!tensor.defined() || !tensor.is_cpu() || !CpuAllocatorInstalled()) return;
  const c10::DataPtr& memory = tensor.storage().data_ptr();
  // A storage from another allocator (from_blob, a mapped file) has another deleter and no prefix.
  if (memory.get_deleter() != c10::GetCPUAllocator()->raw_deleter()) return;
  RetagCpuBlock(memory.get(), tag);
}

void PrepareDeviceMemory(at::Device device) {
  if (!device.is_cpu()) UseExpandableSegments(device);
}

absl::Status SetDeviceBudget(at::Device device, int64_t budget_bytes, const std::string& origin) {
  if (!device.is_cpu()) return SetAcceleratorBudget(device, budget_bytes);
  SetCpuBudget(budget_bytes, origin);
  return absl::OkStatus();
}

DeviceTotals ReadDeviceTotals(at::Device device) {
  const auto [free, total] =
      c10::getDeviceAllocator(device.type())->getMemoryInfo(DeviceIndexOf(device));
  return {c10::Device(device.type(), DeviceIndexOf(device)).str(), static_cast<int64_t>(total),
          static_cast<int64_t>(free)};
}

std::vector<DeviceTotals> ListAccelerators() {
  std::vector<DeviceTotals> devices;
  const auto type = at::accelerator::getAccelerator(/*checked=*/false);
  if (!type.has_value()) return devices;
  for (c10::DeviceIndex index = 0; index < at::accelerator::deviceCount(); ++index) {
    devices.push_back(ReadDeviceTotals(c10::Device(*type, index)));
  }
  return devices;
}

}  // namespace slimreel
