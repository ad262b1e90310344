// The report of //memory:diagnose: what the machine has, which limits apply, which processes hold
// memory, and what to do about it. Text and JSON are pure functions of the readings.
#ifndef MEMORY_REPORTS_DIAGNOSIS_H_
#define MEMORY_REPORTS_DIAGNOSIS_H_

#include <string>
#include <vector>

#include "base/memory_limits.h"
#include "memory/reports/accelerators.h"
#include "memory/reports/processes.h"

namespace slimreel {

struct Diagnosis {
  int64_t unix_seconds = 0;  // time of the reading
  HostMemory host;
  std::vector<AcceleratorMemory> accelerators;
  std::vector<ProcessMemory> processes;  // largest first
  int64_t own_pid = 0;                   // this process; the advice leaves it out
};

// What the user can do, most useful first; never empty.
std::vector<std::string> Advice(const Diagnosis& diagnosis);

std::string DiagnosisText(const Diagnosis& diagnosis);
// One JSON object on one line; README.md lists its fields.
std::string DiagnosisJson(const Diagnosis& diagnosis);

}  // namespace slimreel

#endif  // MEMORY_REPORTS_DIAGNOSIS_H_
