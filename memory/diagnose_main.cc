// //memory:diagnose prints what this machine has, which limits apply, which processes hold memory
// now, and what to do about it. See memory/README.md.
#include <gflags/gflags.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/command_line.h"
#include "base/memory_limits.h"
#include "base/status_macros.h"
#include "base/stop_signal.h"
#include "memory/reports/accelerators.h"
#include "memory/reports/diagnosis.h"
#include "memory/reports/nvidia_cards.h"
#include "memory/tracking/device_memory.h"

DEFINE_bool(json, false, "print one JSON object per reading instead of text");
DEFINE_double(watch, 0.0, "repeat the reading every SECONDS until Ctrl-C; 0: read once");

namespace {

constexpr double kMaxWatchSeconds = 86400.0;

std::optional<std::string> FromEnvironment(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

// `cards` may be null.
absl::StatusOr<slimreel::Diagnosis> Diagnose(const slimreel::NvidiaCards* cards) {
  auto host = slimreel::ReadHostMemory();
  if (!host.ok()) return host.status();
  slimreel::Diagnosis diagnosis;
  diagnosis.unix_seconds = std::time(nullptr);
  diagnosis.host = *std::move(host);
  for (const slimreel::DeviceTotals& device : slimreel::ListAccelerators()) {
    diagnosis.accelerators.push_back({.device = device.device,
                                      .total_bytes = device.total_bytes,
                                      .free_bytes = device.free_bytes});
  }
  if (cards != nullptr) {
    diagnosis.accelerators = slimreel::JoinCards(
        std::move(diagnosis.accelerators), cards->Read(),
        {FromEnvironment("CUDA_VISIBLE_DEVICES"), FromEnvironment("CUDA_DEVICE_ORDER")});
  }
  diagnosis.processes = slimreel::LargestProcesses(8);
  diagnosis.own_pid = getpid();
  return diagnosis;
}

// False: a stop was requested meanwhile.
bool WaitUnlessStopped(double seconds) {
  using Clock = std::chrono::steady_clock;
  constexpr Clock::duration kSlice = std::chrono::milliseconds(50);
  const auto end = Clock::now() + std::chrono::duration_cast<Clock::duration>(
                                      std::chrono::duration<double>(seconds));
  while (!slimreel::StopRequested() && Clock::now() < end) {
    std::this_thread::sleep_for(std::min(kSlice, end - Clock::now()));
  }
  return !slimreel::StopRequested();
}

absl::Status Main(const slimreel::CommandLine&) {
  // Written so that NaN is refused as well.
  if (!(FLAGS_watch >= 0.0 && FLAGS_watch <= kMaxWatchSeconds)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "--watch is ", FLAGS_watch, "; give a number of seconds from 0 to ", kMaxWatchSeconds));
  }
  const std::unique_ptr<slimreel::NvidiaCards> cards = slimreel::NvidiaCards::Load();
  if (FLAGS_watch > 0.0) slimreel::InstallStopSignal();
  bool more = true;
  while (more) {
    SLIMREEL_ASSIGN_OR_RETURN(const slimreel::Diagnosis diagnosis, Diagnose(cards.get()));
    std::cout << (FLAGS_json ? slimreel::DiagnosisJson(diagnosis)
                             : slimreel::DiagnosisText(diagnosis))
              << std::endl;  // flushes at once, also into a pipe
    more = FLAGS_watch > 0.0 && std::cout.good() && WaitUnlessStopped(FLAGS_watch);
  }
  return absl::OkStatus();
}

}  // namespace

int main(int argc, char** argv) {
  slimreel::Program program;
  program.name = "diagnose";
  program.synopsis = "diagnose [--json] [--watch=SECONDS]";
  program.description =
      "Prints what this machine has, which limits apply (device, cgroup, rlimit), which processes\n"
      "hold memory of the host and of NVIDIA's cards now, and what to do about it.";
  program.flags = {"json", "watch"};
  program.examples = "diagnose --json\ndiagnose --watch=5";
  return slimreel::RunProgram(argc, argv, program, Main);
}
