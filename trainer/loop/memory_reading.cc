#include "trainer/loop/memory_reading.h"

#include <c10/core/CachingDeviceAllocator.h>

#include <cstdlib>
#include <fstream>
#include <string>

#include "memory/tracking/cpu_allocator.h"

namespace slimreel {

int64_t PeakResidentBytes() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.rfind("VmHWM:", 0) == 0) return std::atoll(line.c_str() + 6) * 1024;
  }
  return 0;
}

MemoryRecord ReadMemory(at::Device device, int64_t budget_bytes) {
  MemoryRecord record;
  record.budget_bytes = budget_bytes;
  record.host_bytes = PeakResidentBytes();
  if (device.is_cpu()) {
    const CpuMemoryReading reading = ReadCpuMemory();
    record.live_bytes = reading.live_bytes;
    record.peak_bytes = reading.peak_live_bytes;
    record.reserved_bytes = reading.peak_reserved_bytes;
    return record;
  }
  constexpr auto kAll = static_cast<size_t>(c10::CachingAllocator::StatType::AGGREGATE);
  const auto stats = c10::getDeviceAllocator(device.type())->getDeviceStats(device.index());
  record.live_bytes = stats.allocated_bytes[kAll].current;
  record.peak_bytes = stats.allocated_bytes[kAll].peak;
  record.reserved_bytes = stats.reserved_bytes[kAll].peak;
  return record;
}

}  // namespace slimreel
