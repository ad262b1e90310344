// What the process holds now, as the observers report it.
#ifndef TRAINER_LOOP_MEMORY_READING_H_
#define TRAINER_LOOP_MEMORY_READING_H_

#include <c10/core/Device.h>

#include <cstdint>

#include "trainer/observers/observer.h"

namespace slimreel {

// CPU: as the tracking allocator counts. An accelerator: its caching allocator's numbers.
// Peaks are of this process; loader_bytes is left 0.
MemoryRecord ReadMemory(at::Device device, int64_t budget_bytes);

}  // namespace slimreel

#endif  // TRAINER_LOOP_MEMORY_READING_H_
