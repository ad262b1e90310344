// Which processes hold the machine's memory: processes by resident set, from /proc.
#ifndef MEMORY_REPORTS_PROCESSES_H_
#define MEMORY_REPORTS_PROCESSES_H_

#include <cstdint>
#include <string>
#include <vector>

namespace slimreel {

struct ProcessMemory {
  int64_t pid = 0;
  std::string command;         // the command line, at most 100 characters
  int64_t resident_bytes = 0;  // VmRSS; a shared page counts for each process that maps it
};

// The command line of a process, or its name if it has none. Empty: it ended, or it may not be
// read.
std::string CommandOf(int64_t pid, const std::string& root = "");

// The `most` processes with the largest resident sets, largest first. Processes that end during
// the reading or that this user may not read are left out.
std::vector<ProcessMemory> LargestProcesses(size_t most, const std::string& root = "");

}  // namespace slimreel

#endif  // MEMORY_REPORTS_PROCESSES_H_
