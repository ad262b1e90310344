// Plain sentences: how short memory is, which key to change, and the bytes that this would save.
//
// Pure functions: the caller predicts the savings.
#ifndef MEMORY_MANAGER_SUGGESTIONS_H_
#define MEMORY_MANAGER_SUGGESTIONS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "memory/manager/memory_pools.h"

namespace slimreel {

// What one changed key would save.
struct PredictedSaving {
  std::string setting;       // as on the command line: "memory.schedule=checkpoint"
  int64_t device_bytes = 0;  // saved at the step's peak
  int64_t host_bytes = 0;
  std::string price;  // what it costs: "each step takes about a third longer"; may be empty
  bool changes_result = false;  // true: another model is learnt
};

// One sentence per saving that relieves a pool in need. Settings that keep the result come first,
// then the larger saving.
std::vector<std::string> DescribeSavings(std::vector<PredictedSaving> savings, bool device_in_need,
                                         bool host_in_need);

// The warning of a clean-up that freed `freed_bytes` and left pools above their threshold.
std::string PressureWarning(const MemoryReading& reading, bool device_above, bool host_above,
                            int64_t freed_bytes, const std::vector<std::string>& suggestions);

}  // namespace slimreel

#endif  // MEMORY_MANAGER_SUGGESTIONS_H_
