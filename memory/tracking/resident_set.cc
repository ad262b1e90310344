#include "memory/tracking/resident_set.h"

#include <cstdlib>
#include <fstream>

namespace slimreel {

ResidentSet ReadResidentSet(const std::string& root) {
  ResidentSet set;
  std::ifstream status(root + "/proc/self/status");
  std::string line;
  while (std::getline(status, line)) {
    const size_t colon = line.find(':');
    if (colon == std::string::npos) continue;
    const std::string key = line.substr(0, colon);
    int64_t* const target = key == "VmRSS"     ? &set.bytes
                            : key == "VmHWM"   ? &set.peak_bytes
                            : key == "RssFile" ? &set.file_bytes
                                               : nullptr;
    if (target != nullptr) *target = std::strtoll(line.c_str() + colon + 1, nullptr, 10) * 1024;
  }
  return set;
}

bool ResetPeakResidentSet() {
  std::ofstream clear("/proc/self/clear_refs");
  clear << 5 << std::flush;  // 5 resets the peak resident set; see proc(5)
  return clear.good();
}

}  // namespace slimreel
