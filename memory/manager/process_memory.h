// Reads the memory of this process for a memory manager: the device's allocator, the resident set,
// and the machine's limits.
//
// Threading: any thread.
#ifndef MEMORY_MANAGER_PROCESS_MEMORY_H_
#define MEMORY_MANAGER_PROCESS_MEMORY_H_

#include <c10/core/Device.h>

#include <cstdint>
#include <memory>
#include <string>

#include "base/memory_limits.h"
#include "memory/manager/memory_source.h"
#include "memory/tracking/resident_set.h"

namespace slimreel {

// The pool of the limit that is used up most.
PoolReading HostPool(const HostMemory& host, const ResidentSet& resident);

// `budget_bytes`: the device's ceiling in force. 0: none; then an accelerator's whole memory is the
// ceiling, and what other processes hold of it counts as taken.
// `root`: where /proc and /sys are, for tests.
std::unique_ptr<MemorySource> MakeProcessMemory(c10::Device device, int64_t budget_bytes,
                                                std::string root = "");

}  // namespace slimreel

#endif  // MEMORY_MANAGER_PROCESS_MEMORY_H_
