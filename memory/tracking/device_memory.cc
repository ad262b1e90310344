#include "memory/tracking/device_memory.h"

#include <ATen/DeviceAccelerator.h>
#include <c10/core/CachingDeviceAllocator.h>

#include "memory/tracking/cpu_allocator.h"
#include "memory/tracking/cuda_budget.h"

namespace slimreel {
namespace {

using c10::CachingAllocator::StatType;

c10::DeviceAllocator* ReadyAllocator(at::Device device) {
  c10::DeviceAllocator* const allocator = c10::getDeviceAllocator(device.type());
  return allocator->initialized() ? allocator : nullptr;
}

c10::DeviceIndex IndexOf(at::Device device) { return device.has_index() ? device.index() : 0; }

}  // namespace

DeviceMemoryReading ReadDeviceMemory(at::Device device) {
  if (device.is_cpu()) {
    const CpuMemoryReading cpu = ReadCpuMemory();
    return {cpu.live_bytes, cpu.peak_live_bytes, cpu.reserved_bytes, cpu.peak_reserved_bytes,
            cpu.num_refusals};
  }
  c10::DeviceAllocator* const allocator = ReadyAllocator(device);
  if (allocator == nullptr) return {};
  const auto stats = allocator->getDeviceStats(IndexOf(device));
  const auto& live = stats.requested_bytes[static_cast<size_t>(StatType::AGGREGATE)];
  const auto& reserved = stats.reserved_bytes[static_cast<size_t>(StatType::AGGREGATE)];
  return {live.current, live.peak, reserved.current, reserved.peak, stats.num_ooms};
}

void ResetDevicePeaks(at::Device device) {
  if (device.is_cpu()) return ResetCpuPeaks();
  c10::DeviceAllocator* const allocator = ReadyAllocator(device);
  if (allocator != nullptr) allocator->resetPeakStats(IndexOf(device));
}

void ReleaseKeptDeviceBlocks(at::Device device) {
  if (device.is_cpu()) {
    ReleaseKeptCpuBlocks();
    return;
  }
  c10::DeviceAllocator* const allocator = ReadyAllocator(device);
  if (allocator != nullptr) allocator->emptyCache();
}

bool SetDeviceBudget(at::Device device, int64_t budget_bytes) {
  if (device.is_cpu()) {
    SetCpuBudget(budget_bytes);
    return true;
  }
  return device.is_cuda() && SetCudaBudget(IndexOf(device), budget_bytes);
}

std::vector<DeviceTotals> ListAccelerators() {
  std::vector<DeviceTotals> devices;
  const auto type = at::accelerator::getAccelerator(/*checked=*/false);
  if (!type.has_value()) return devices;
  for (c10::DeviceIndex index = 0; index < at::accelerator::deviceCount(); ++index) {
    const auto [free, total] = at::accelerator::getMemoryInfo(index);
    devices.push_back(
        {c10::Device(*type, index).str(), static_cast<int64_t>(total), static_cast<int64_t>(free)});
  }
  return devices;
}

}  // namespace slimreel
