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

// `ceiling`: of the device's tensors, in force; 0 bytes: none. If an accelerator's whole memory is
// used up more, by other processes, it counts instead.
// `root`: where /proc and /sys are, for tests.
std::unique_ptr<MemorySource> MakeProcessMemory(c10::Device device, Ceiling ceiling,
                                                std::string root = "");

}  // namespace slimreel

#endif  // MEMORY_MANAGER_PROCESS_MEMORY_H_
