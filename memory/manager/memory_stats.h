// What a memory manager counts over a run.
//
// Threading: not thread-safe; the manager locks.
#ifndef MEMORY_MANAGER_MEMORY_STATS_H_
#define MEMORY_MANAGER_MEMORY_STATS_H_

#include <algorithm>
#include <cstdint>
#include <vector>

#include "memory/manager/cleanup_registry.h"
#include "memory/manager/memory_pools.h"

namespace slimreel {

struct PoolStats {
  int64_t now_bytes = 0;   // live at the last reading
  int64_t peak_bytes = 0;  // highest live
  int64_t mean_bytes = 0;  // of live, over all readings
  // Taken at the last reading. Device: live + kept for reuse. Host: all processes together.
  int64_t reserved_bytes = 0;
  int64_t peak_reserved_bytes = 0;  // of a device
  int64_t ceiling_bytes = 0;        // 0: none known
};

struct MemoryStats {
  PoolStats device;
  PoolStats host;
  int64_t checks = 0;
  int64_t cleanups = 0;     // rounds, each of one or more clean-ups
  int64_t freed_bytes = 0;  // by all of them
  int64_t warnings = 0;     // rounds that left a pool above its threshold
  int64_t reliefs = 0;      // times that what was shrunk grew back
  std::vector<CleanupCount> by_cleanup;
};

class StatsCounter {
 public:
  void AddReading(const MemoryReading& reading) {
    ++stats_.checks;
    Add(reading.device, &stats_.device, &device_sum_);
    Add(reading.host, &stats_.host, &host_sum_);
  }
  // Before the device's peaks are reset.
  void AddPeaks(const PoolReading& device) { AddPeaks(device, &stats_.device); }
  void AddCleanup(int64_t freed_bytes) {
    ++stats_.cleanups;
    stats_.freed_bytes += freed_bytes;
  }
  void AddWarning() { ++stats_.warnings; }
  void AddRelief() { ++stats_.reliefs; }
  const MemoryStats& stats() const { return stats_; }

 private:
  void Add(const PoolReading& reading, PoolStats* pool, double* sum) const {
    pool->now_bytes = reading.live_bytes;
    AddPeaks(reading, pool);
    *sum += static_cast<double>(reading.live_bytes);
    pool->mean_bytes = static_cast<int64_t>(*sum / static_cast<double>(stats_.checks));
    pool->reserved_bytes = reading.taken_bytes;
    pool->ceiling_bytes = reading.ceiling_bytes;
  }

  static void AddPeaks(const PoolReading& reading, PoolStats* pool) {
    pool->peak_bytes = std::max({pool->peak_bytes, reading.live_bytes, reading.peak_live_bytes});
    pool->peak_reserved_bytes = std::max(pool->peak_reserved_bytes, reading.peak_taken_bytes);
  }

  MemoryStats stats_;
  double device_sum_ = 0.0;
  double host_sum_ = 0.0;
};

}  // namespace slimreel

#endif  // MEMORY_MANAGER_MEMORY_STATS_H_
