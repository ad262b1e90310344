// How much memory this process may use: what the machine has, what limits it further (control
// groups, rlimits), what the user allows, and which of these is lowest.
//
// The functions only read files below `root`, which tests replace. Threading: safe from any
// thread.
#ifndef BASE_MEMORY_LIMITS_H_
#define BASE_MEMORY_LIMITS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/bytes.h"

namespace slimreel {

// One limit of memory, and how much of it is used.
struct MemoryLimit {
  std::string origin;  // "physical memory", "cgroup v1", "cgroup v2", "rlimit AS", "rlimit DATA"
  std::string where;   // the file that states it
  int64_t bytes = 0;
  int64_t used_bytes = 0;  // counted against this limit; for cgroups without reclaimable file pages
};

struct HostMemory {
  int64_t total_bytes = 0;      // MemTotal
  int64_t available_bytes = 0;  // MemAvailable
  int64_t swap_free_bytes = 0;
  std::vector<MemoryLimit> limits;  // lowest first; physical memory is always among them
  // How much can still be allocated before the first limit is reached.
  int64_t headroom_bytes() const;
};

// Reads <root>/proc/meminfo, proc/self/{cgroup,limits,status} and the cgroup files of the
// process's group and of every group above it; of nested limits the lowest counts. Groups without
// a limit are left out. Error: Unavailable if proc/meminfo cannot be read; all other files are
// optional.
absl::StatusOr<HostMemory> ReadHostMemory(const std::string& root = "/");

// The lowest ceiling and what sets it: "memory.budget", the origin of a machine's limit, or
// "what the host has left".
struct Ceiling {
  int64_t bytes = 0;
  std::string origin;
};

// The lower one of the user's limit and the machine's lowest limit. `NN%` of the user is a share
// of the machine's lowest limit.
Ceiling LowestCeiling(const HostMemory& host, const std::optional<ByteSpec>& user,
                      const std::string& key = "memory.budget");
// The same, and no more than is free now: for memory that is about to be allocated.
Ceiling LowestFreeCeiling(const HostMemory& host, const std::optional<ByteSpec>& user,
                          const std::string& key);
// For work such as decoding, whose bound the user may raise: LowestFreeCeiling if the user gave a
// budget, else a quarter of the free memory and at most 4 GiB, because more would stay unused.
Ceiling WorkingCeiling(const HostMemory& host, const std::optional<ByteSpec>& user,
                       const std::string& key);
// LowestCeiling for a device with its own memory of `total_bytes`.
Ceiling LowestDeviceCeiling(int64_t total_bytes, const std::string& device,
                            const std::optional<ByteSpec>& user);

}  // namespace slimreel

#endif  // BASE_MEMORY_LIMITS_H_
