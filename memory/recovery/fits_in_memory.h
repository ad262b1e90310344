// Runs a piece of work and tells whether it fitted in memory. Threading: the caller's thread.
#ifndef MEMORY_RECOVERY_FITS_IN_MEMORY_H_
#define MEMORY_RECOVERY_FITS_IN_MEMORY_H_

#include <c10/core/Device.h>

#include <exception>
#include <utility>

#include "memory/recovery/attempt_watch.h"
#include "memory/recovery/out_of_memory.h"
#include "memory/tracking/device_memory.h"

namespace slimreel {

// Runs `work`. Returns false if an exception says by its type that memory ran out. The exception is
// gone by then, because a live exception keeps tensors alive, and the blocks kept for reuse are
// given back to the system. Other exceptions pass through. `work` may contain attempts of its own.
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

// The same for one attempt on `device`: memory also ran out if RanOutOfMemory (attempt_watch.h)
// says so by what the allocators refused. Then drop what `work` returned, even if it raised no
// error. `work` contains no other attempt.
template <typename Work>
bool FitsInMemory(at::Device device, Work&& work) {
  const AttemptWatch watch(device);
  bool out_of_memory = false;
  try {
    std::forward<Work>(work)();
    out_of_memory = watch.RanOutOfMemory(AttemptEnd::kNoError);
  } catch (const std::exception& error) {
    out_of_memory = watch.RanOutOfMemory(error);
    if (!out_of_memory) throw;
  }
  if (out_of_memory) ReleaseAllKeptBlocks();
  return !out_of_memory;
}

}  // namespace slimreel

#endif  // MEMORY_RECOVERY_FITS_IN_MEMORY_H_
