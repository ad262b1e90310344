// //memory:diagnose prints what this machine has, which limits apply, which processes hold memory
// now, and what to do about it. See memory/README.md.
#include <gflags/gflags.h>
#include <unistd.h>

#include <chrono>
#include <ctime>
#include <iostream>
#include <string>
#include <thread>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/command_line.h"
#include "base/memory_limits.h"
#include "base/status_macros.h"
#include "memory/reports/diagnosis.h"
#include "memory/tracking/device_memory.h"

DEFINE_bool(json, false, "print one JSON object per reading instead of text");
DEFINE_double(watch, 0.0, "repeat the reading every SECONDS until Ctrl-C; 0: read once");

namespace {

constexpr double kMaxWatchSeconds = 86400.0;

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

absl::Status Main(const slimreel::CommandLine&) {
  // Written so that NaN is refused as well.
  if (!(FLAGS_watch >= 0.0 && FLAGS_watch <= kMaxWatchSeconds)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "--watch is ", FLAGS_watch, "; give a number of seconds from 0 to ", kMaxWatchSeconds));
  }
  do {
    SLIMREEL_ASSIGN_OR_RETURN(const slimreel::Diagnosis diagnosis, Diagnose());
    std::cout << (FLAGS_json ? slimreel::DiagnosisJson(diagnosis)
                             : slimreel::DiagnosisText(diagnosis))
              << std::endl;  // flushes at once, also into a pipe
    if (FLAGS_watch > 0.0 && std::cout.good()) {
      std::this_thread::sleep_for(std::chrono::duration<double>(FLAGS_watch));
    }
  } while (FLAGS_watch > 0.0 && std::cout.good());
  return absl::OkStatus();
}

}  // namespace

int main(int argc, char** argv) {
  slimreel::Program program;
  program.name = "diagnose";
  program.synopsis = "diagnose [--json] [--watch=SECONDS]";
  program.description =
      "Prints what this machine has, which limits apply (device, cgroup, rlimit), which processes\n"
      "hold memory now, and what to do about it.";
  program.flags = {"json", "watch"};
  program.examples = "diagnose --json\ndiagnose --watch=5";
  return slimreel::RunProgram(argc, argv, program, Main);
}
