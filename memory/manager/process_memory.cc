#include "memory/manager/process_memory.h"

#include <utility>

#include "absl/status/statusor.h"
#include "memory/tracking/cpu_allocator.h"
#include "memory/tracking/device_memory.h"

namespace slimreel {
namespace {

class ProcessMemory final : public MemorySource {
 public:
  ProcessMemory(c10::Device device, Ceiling ceiling, std::string root)
      : device_(device), ceiling_(std::move(ceiling)), root_(std::move(root)) {}

  // A thread may wait for a core between two reads, while a step allocates.
  MemoryReading Read() override {
    constexpr int kTries = 8;
    MemoryReading reading;
    for (int i = 0; i < kTries; ++i) {
      reading = ReadOnce();
      reading.consistent = ReadDevice().taken_bytes == reading.device.taken_bytes;
      if (reading.consistent) break;
    }
    if (!device_.is_cpu() && reading.device.taken_bytes > 0) AddNeighbours(&reading.device);
    return reading;
  }

  PoolReading ReadDevice() override {
    const DeviceMemoryReading memory = ReadDeviceMemory(device_);
    const bool on_cpu = device_.is_cpu();
    return {.live_bytes = memory.live_bytes,
            .peak_live_bytes = on_cpu ? ReadCpuMemory().scope_peak_bytes : memory.peak_live_bytes,
            .taken_bytes = memory.reserved_bytes,
            .peak_taken_bytes = memory.peak_reserved_bytes,
            .ceiling_bytes = ceiling_.bytes,
            .origin = ceiling_.origin};
  }

  // The CPU's allocator counts a peak for scopes. That of an accelerator has one peak only.
  void ResetDevicePeak() override {
    if (device_.is_cpu()) {
      ResetCpuScopePeak();
    } else {
      ResetDevicePeaks(device_);
    }
  }

  void SetCeiling(int64_t bytes) override {
    if (device_.is_cpu()) SetCpuPressureCeiling(bytes);
  }

 private:
  MemoryReading ReadOnce() {
    MemoryReading reading;
    reading.device = ReadDevice();
    const absl::StatusOr<HostMemory> host = ReadHostMemory(root_.empty() ? "/" : root_);
    if (!host.ok()) return reading;  // no /proc: the host is never under pressure
    reading.host = HostPool(*host, ReadResidentSet(root_));
    reading.host_left_bytes = host->headroom_bytes();
    return reading;
  }

  // The whole device is the ceiling if it is used up more than the budget.
  void AddNeighbours(PoolReading* pool) const {
    const DeviceTotals totals = ReadDeviceTotals(device_);
    PoolReading whole = *pool;
    whole.ceiling_bytes = totals.total_bytes;
    whole.taken_bytes = totals.total_bytes - totals.free_bytes;
    whole.origin = totals.device;
    if (whole.share() > pool->share()) *pool = whole;
  }

  const c10::Device device_;
  const Ceiling ceiling_;
  const std::string root_;
};

}  // namespace

PoolReading HostPool(const HostMemory& host, const ResidentSet& resident) {
  PoolReading tightest;
  for (const MemoryLimit& limit : host.limits) {
    PoolReading pool;
    pool.live_bytes = resident.bytes;
    pool.peak_live_bytes = resident.peak_bytes;
    pool.taken_bytes = limit.used_bytes;
    pool.ceiling_bytes = limit.bytes;
    pool.origin = limit.origin;
    if (tightest.ceiling_bytes == 0 || pool.share() > tightest.share()) tightest = pool;
  }
  return tightest;
}

std::unique_ptr<MemorySource> MakeProcessMemory(c10::Device device, Ceiling ceiling,
                                                std::string root) {
  return std::make_unique<ProcessMemory>(device, std::move(ceiling), std::move(root));
}

}  // namespace slimreel
