// //memory:diagnose: what this machine has, what limits apply, who holds memory
// now, and what to do about it. See memory/README.md.
#include <gflags/gflags.h>
#include <unistd.h>

#include <chrono>
#include <ctime>
#include <iostream>
#include <string>
#include <thread>

#include "base/exit_code.h"
#include "memory/policy/limits.h"
#include "memory/reports/diagnosis.h"
#include "memory/tracking/device_memory.h"

DEFINE_bool(json, false, "print one JSON object a reading instead of text");
DEFINE_double(watch, 0.0, "read again every so many seconds until Ctrl-C; 0: once");

namespace {

constexpr char kUsage[] =
    "diagnose [--json] [--watch=SECONDS]\n"
    "  What this machine has, what limits apply (device, cgroup, rlimit), who holds\n"
    "  memory now, and what to do about it.\n"
    "  --json    one JSON object a reading\n"
    "  --watch   read again every so many seconds until Ctrl-C (0: once)\n";

// gflags ends the process with 1 on a wrong flag; here that is 2.
bool FlagsAreRight(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    std::string flag = argv[i];
    flag.erase(0, flag.find_first_not_of('-'));
    const size_t equals = flag.find('=');
    const std::string name = flag.substr(0, equals);
    const bool is_flag = argv[i][0] == '-' && (name == "json" || name == "watch");
    if (!is_flag) {
      std::cerr << "\"" << argv[i] << "\" is not known. " << kUsage;
      return false;
    }
    const bool has_own_value = name == "watch" && equals == std::string::npos;
    const std::string value = has_own_value                 ? (i + 1 < argc ? argv[++i] : "")
                              : equals == std::string::npos ? "true"
                                                            : flag.substr(equals + 1);
    if (gflags::SetCommandLineOption(name.c_str(), value.c_str()).empty() || FLAGS_watch < 0.0) {
      std::cerr << "--" << name << ": \"" << value << "\" is not allowed. " << kUsage;
      return false;
    }
  }
  return true;
}

absl::StatusOr<slimreel::Diagnosis> Diagnose() {
  auto host = slimreel::ReadHostMemory();
  if (!host.ok()) return host.status();
  slimreel::Diagnosis diagnosis;
  diagnosis.unix_seconds = std::time(nullptr);
  diagnosis.host = *std::move(host);
  for (const slimreel::DeviceTotals& device : slimreel::ListAccelerators()) {
    diagnosis.accelerators.push_back({device.device, device.total_bytes, device.free_bytes});
  }
  diagnosis.processes = slimreel::LargestProcesses(8);
  diagnosis.own_pid = getpid();
  return diagnosis;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 2 && (std::string(argv[1]) == "--help" || std::string(argv[1]) == "-h")) {
    std::cout << kUsage;
    return 0;
  }
  if (!FlagsAreRight(argc, argv)) return static_cast<int>(slimreel::ExitCode::kUsage);
  do {
    const auto diagnosis = Diagnose();
    if (!diagnosis.ok()) {
      std::cerr << diagnosis.status().message() << "\n";
      return static_cast<int>(slimreel::ExitCodeOf(diagnosis.status()));
    }
    std::cout << (FLAGS_json ? slimreel::DiagnosisJson(*diagnosis)
                             : slimreel::DiagnosisText(*diagnosis))
              << std::endl;  // at once, also into a pipe
    if (FLAGS_watch > 0.0) {
      std::this_thread::sleep_for(std::chrono::duration<double>(FLAGS_watch));
    }
  } while (FLAGS_watch > 0.0 && std::cout.good());
  return 0;
}
