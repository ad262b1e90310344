// Runs a piece of work that may run out of memory.
//
// Who calls it: the train step and the evaluator, which answer with a smaller
// piece. Threading: the caller's.
#ifndef MEMORY_RECOVERY_FITS_IN_MEMORY_H_
#define MEMORY_RECOVERY_FITS_IN_MEMORY_H_

#include <exception>
#include <utility>

#include "memory/recovery/out_of_memory.h"
#include "memory/tracking/device_memory.h"

namespace slimreel {

// False: memory ran out. Then the exception is gone (a live one keeps tensors
// alive) and blocks kept for reuse are given back. Other exceptions pass.
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
