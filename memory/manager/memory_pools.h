// Readings of the two pools of memory that a run takes from: the device's and the host's. Plain
// numbers; they do not need torch.
#ifndef MEMORY_MANAGER_MEMORY_POOLS_H_
#define MEMORY_MANAGER_MEMORY_POOLS_H_

#include <cstdint>
#include <string>

namespace slimreel {

struct PoolReading {
  int64_t live_bytes = 0;       // in use by this process; host: resident set
  int64_t peak_live_bytes = 0;  // of a device: since its peak was reset
  // What counts against the ceiling. Device: live + kept for reuse. Host: all processes together.
  int64_t taken_bytes = 0;
  int64_t peak_taken_bytes = 0;  // of a device: since its peak was reset; host: 0
  int64_t ceiling_bytes = 0;     // 0: none is known, and the pool is never under pressure
  std::string origin;            // what sets the ceiling: "memory.budget", "cgroup v1"

  // taken / ceiling; 0 without a ceiling.
  double share() const {
    if (ceiling_bytes <= 0) return 0.0;
    return static_cast<double>(taken_bytes) / static_cast<double>(ceiling_bytes);
  }
};

struct MemoryReading {
  double seconds = 0.0;  // of the manager's clock
  PoolReading device;
  PoolReading host;  // of the limit that is used up most
  // What this process can still take before the first limit of the host is reached. Another limit
  // than that of `host` may come first.
  int64_t host_left_bytes = 0;
  // False: tensors came or went while the host was read, so that no ceiling follows from the sum.
  bool consistent = true;
};

}  // namespace slimreel

#endif  // MEMORY_MANAGER_MEMORY_POOLS_H_
