// Runs a piece of work and tells whether it fitted in memory. Threading: the caller's thread.
#ifndef MEMORY_RECOVERY_FITS_IN_MEMORY_H_
#define MEMORY_RECOVERY_FITS_IN_MEMORY_H_

#include <exception>
#include <utility>

#include "memory/recovery/out_of_memory.h"
#include "memory/tracking/device_memory.h"

namespace slimreel {

// Runs `work`. Returns false if memory ran out. The exception is gone by then, because a live
// exception keeps tensors alive, and the blocks kept for reuse are given back to the system.
// Other exceptions pass through.
template <typename Work>
bool FitsInMemory(Work&& work) {
  bool out_of_memory = false;
  try {
    std::forward<Work>(work)();
  } catch (const std::exception& error) {
    if (!IsOutOfMemory(error)) throw;
    out_of_memory = true;
  }
  if (out_of_memory) ReleaseAllKeptBlocks();
  return !out_of_memory;
}

}  // namespace slimreel

#endif  // MEMORY_RECOVERY_FITS_IN_MEMORY_H_
