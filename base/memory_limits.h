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
// a limit are left out. File pages that a group could give back do not count as used, except for
// as many as this process has mapped: it runs in them. Error: Unavailable if proc/meminfo cannot be
// read; all other files are optional.
absl::StatusOr<HostMemory> ReadHostMemory(const std::string& root = "/");

// How much memory may be used, and what sets it.
struct Ceiling {
  int64_t bytes = 0;
  // "memory.budget" or another key; "physical memory", "cgroup v1", "cgroup v2", "rlimit AS",
  // "rlimit DATA"; a device; "what the host has left".
  std::string origin;
  // The lowest limit as it is stated, whatever is in use. It is equal at every start.
  int64_t stated_bytes = 0;
  // What TensorCeiling took off the limit of `origin`. 0: `bytes` is what `origin` states.
  int64_t outside_bytes = 0;  // in use by what is no tensor of this process
  int64_t coming_bytes = 0;   // will be taken by what is no tensor
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

// What a process takes of the machine's memory now, and will take.
struct ProcessShare {
  int64_t tensor_bytes = 0;  // held by the allocator of tensors; part of every limit's used bytes
  int64_t coming_bytes = 0;  // will be taken by what is no tensor
  // Addresses that will be mapped beyond coming_bytes and stay empty. They count for rlimits.
  int64_t coming_address_bytes = 0;
};

// The most that tensors may take together: the lowest of the user's limit and of each machine
// limit less what is in use besides tensors and less what is coming. `NN%` of the user is a share
// of the machine's lowest limit as stated. bytes <= 0: a limit leaves nothing for tensors.
Ceiling TensorCeiling(const HostMemory& host, const ProcessShare& share,
                      const std::optional<ByteSpec>& user);
// The same for a device with its own memory, of which `free_bytes` are free; before this process
// has tensors on it.
Ceiling DeviceCeiling(int64_t total_bytes, int64_t free_bytes, const std::string& device,
                      const std::optional<ByteSpec>& user);

// "1.2 GiB (cgroup v1: 2 GiB, less 700 MiB in use and 100 MiB reserved outside of tensors)".
std::string DescribeCeiling(const Ceiling& ceiling);
// "a larger memory.budget": what would raise the ceiling.
std::string RaiseCeilingRemedy(const std::string& origin);

}  // namespace slimreel

#endif  // BASE_MEMORY_LIMITS_H_
