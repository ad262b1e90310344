// The memory that the process holds now, as the observers report it.
#ifndef TRAINER_LOOP_MEMORY_READING_H_
#define TRAINER_LOOP_MEMORY_READING_H_

#include <c10/core/Device.h>

#include <cstdint>

#include "trainer/observers/observer.h"

namespace slimreel {

// On the CPU these are the counts of the tracking allocator, on an accelerator those of its caching
// allocator. Peaks are those of this process. loader_bytes stays 0.
MemoryRecord ReadMemory(at::Device device, int64_t budget_bytes);

}  // namespace slimreel

#endif  // TRAINER_LOOP_MEMORY_READING_H_
