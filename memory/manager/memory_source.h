// Where a memory manager reads memory and what it sets a ceiling on. The manager itself needs no
// torch: memory/manager/process_memory.h reads this process, tests make numbers up.
//
// Threading: all functions may be called from any thread.
#ifndef MEMORY_MANAGER_MEMORY_SOURCE_H_
#define MEMORY_MANAGER_MEMORY_SOURCE_H_

#include <cstdint>

#include "memory/manager/memory_pools.h"

namespace slimreel {

class MemorySource {
 public:
  virtual ~MemorySource() = default;
  virtual MemoryReading Read() = 0;  // of both pools; `seconds` is left to the manager
  virtual PoolReading ReadDevice() = 0;
  virtual void ResetDevicePeak() = 0;  // the peak becomes what is live now
  // From now on live + kept tensor bytes on the host stay below `bytes`; 0: no such ceiling. An
  // accelerator's tensors are not on the host.
  virtual void SetCeiling(int64_t bytes) = 0;
};

}  // namespace slimreel

#endif  // MEMORY_MANAGER_MEMORY_SOURCE_H_
