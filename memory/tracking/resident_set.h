// Reads the process's resident set, as the kernel counts it.
#ifndef MEMORY_TRACKING_RESIDENT_SET_H_
#define MEMORY_TRACKING_RESIDENT_SET_H_

#include <cstdint>
#include <string>

namespace slimreel {

struct ResidentSet {
  int64_t bytes = 0;       // VmRSS
  int64_t peak_bytes = 0;  // VmHWM, since the start or the last ResetPeakResidentSet
  int64_t file_bytes = 0;  // RssFile: mapped files, which the system can drop
};

// Reads <root>/proc/self/status; zeros if the file does not exist.
ResidentSet ReadResidentSet(const std::string& root = "");

// Sets VmHWM to what is resident now. Returns false if the kernel does not allow it.
bool ResetPeakResidentSet();

}  // namespace slimreel

#endif  // MEMORY_TRACKING_RESIDENT_SET_H_
