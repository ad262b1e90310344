// What //memory:diagnose says: what the machine has, which limits apply, who
// holds memory, and what to do about it. Text and JSON are pure functions of it.
#ifndef MEMORY_REPORTS_DIAGNOSIS_H_
#define MEMORY_REPORTS_DIAGNOSIS_H_

#include <string>
#include <vector>

#include "base/memory_limits.h"
#include "memory/reports/processes.h"

namespace slimreel {

struct AcceleratorMemory {
  std::string device;  // "cuda:0"
  int64_t total_bytes = 0;
  int64_t free_bytes = 0;
};

struct Diagnosis {
  int64_t unix_seconds = 0;  // when it was read
  HostMemory host;
  std::vector<AcceleratorMemory> accelerators;
  std::vector<ProcessMemory> processes;  // largest first
  int64_t own_pid = 0;                   // left out of the advice
};

// What a person should do, most useful first; never empty.
std::vector<std::string> Advice(const Diagnosis& diagnosis);

std::string DiagnosisText(const Diagnosis& diagnosis);
// One object on one line; README.md lists its fields.
std::string DiagnosisJson(const Diagnosis& diagnosis);

}  // namespace slimreel

#endif  // MEMORY_REPORTS_DIAGNOSIS_H_
