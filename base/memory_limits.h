// What memory this process may use: what the machine has, what forbids it to use
// all of that (control groups, rlimits), what the user allows, and which is lowest.
//
// Called by the trainer at start, by //data:prepare and by //memory:diagnose. Pure but for reading
// the files below `root`, which tests replace. Threading: none needed.
#ifndef BASE_MEMORY_LIMITS_H_
#define BASE_MEMORY_LIMITS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/bytes.h"

namespace slimreel {

// Something that caps memory, with what is in use under it.
struct MemoryLimit {
  std::string origin;  // "physical memory", "cgroup v1", "cgroup v2", "rlimit AS", "rlimit DATA"
  std::string where;   // the file that says so
  int64_t bytes = 0;
  int64_t used_bytes = 0;  // counted against this limit; for cgroups without what can be reclaimed
};

struct HostMemory {
  int64_t total_bytes = 0;      // MemTotal
  int64_t available_bytes = 0;  // MemAvailable
  int64_t swap_free_bytes = 0;
  std::vector<MemoryLimit> limits;  // lowest first; physical memory is always among them
  // What can still be taken before the first limit is met.
  int64_t headroom_bytes() const;
};

// Reads <root>/proc/meminfo, proc/self/{cgroup,limits,status} and the cgroup files
// of the process's group and of every group above it (the lowest of nested
// limits counts). Unlimited groups are left out.
// Errors: Unavailable where proc/meminfo cannot be read; all else is optional.
absl::StatusOr<HostMemory> ReadHostMemory(const std::string& root = "/");

// The lowest ceiling and who set it: "memory.budget", the machine's origin, or "what the
// host has left".
struct Ceiling {
  int64_t bytes = 0;
  std::string origin;
};

// The user's word against the machine's lowest limit, of which `NN%` is a share.
Ceiling LowestCeiling(const HostMemory& host, const std::optional<ByteSpec>& user,
                      const std::string& key = "memory.budget");
// The same for what is about to be taken: the user's ceiling, but no more than is free now.
Ceiling LowestFreeCeiling(const HostMemory& host, const std::optional<ByteSpec>& user,
                          const std::string& key);
// For work whose bound is the user's to raise, as decoding: LowestFreeCeiling where the user gave
// a budget, else a quarter of what is free, at most 4 GiB, because more would only lie idle.
Ceiling WorkingCeiling(const HostMemory& host, const std::optional<ByteSpec>& user,
                       const std::string& key);
// LowestCeiling for a device of `total_bytes` with memory of its own.
Ceiling LowestDeviceCeiling(int64_t total_bytes, const std::string& device,
                            const std::optional<ByteSpec>& user);

}  // namespace slimreel

#endif  // BASE_MEMORY_LIMITS_H_
