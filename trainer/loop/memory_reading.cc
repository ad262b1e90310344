#include "trainer/loop/memory_reading.h"

#include "memory/tracking/device_memory.h"
#include "memory/tracking/resident_set.h"

namespace slimreel {

MemoryRecord ReadMemory(at::Device device, int64_t budget_bytes) {
  const DeviceMemoryReading reading = ReadDeviceMemory(device);
  MemoryRecord record;
  record.budget_bytes = budget_bytes;
  record.host_bytes = ReadResidentSet().peak_bytes;
  record.live_bytes = reading.live_bytes;
  record.peak_bytes = reading.peak_live_bytes;
  record.reserved_bytes = reading.peak_reserved_bytes;
  record.live_by_tag = reading.live_by_tag;
  record.peak_by_tag = reading.peak_by_tag;
  record.peak_by_phase = reading.peak_by_phase;
  return record;
}

}  // namespace slimreel
