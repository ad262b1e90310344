// Names the limit that refused memory, for error messages.
//
// Threading: a free function without state.
#ifndef MEMORY_RECOVERY_EXCEEDED_LIMIT_H_
#define MEMORY_RECOVERY_EXCEEDED_LIMIT_H_

#include <c10/core/Device.h>

#include <string>

namespace slimreel {

struct ExceededLimit {
  std::string name;    // "memory.budget = 1000 bytes", or what this machine allows
  std::string remedy;  // "get a larger memory.budget" or "free memory"
};

// The limit of `device` in force: the budget, or else the machine's lowest limit.
ExceededLimit FindExceededLimit(at::Device device);

}  // namespace slimreel

#endif  // MEMORY_RECOVERY_EXCEEDED_LIMIT_H_
