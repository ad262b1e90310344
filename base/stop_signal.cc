#include "base/stop_signal.h"

#include <signal.h>
#include <unistd.h>

#include <atomic>

#include "base/exit_code.h"

namespace slimreel {
namespace {

// Globals, because a signal handler can reach nothing else. They are lock-free, so it may write
// them.
std::atomic<bool> stop_requested{false};
std::atomic<bool> exit_at_once{false};
static_assert(std::atomic<bool>::is_always_lock_free);

void OnSignal(int signal_number) {
  if (exit_at_once.load()) {
    constexpr char kMessage[] = "stopped by a signal; there was nothing to save\n";
    // A failed write changes nothing here.
    [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, kMessage, sizeof(kMessage) - 1);
    _exit(static_cast<int>(ExitCode::kStopped));
  }
  // The code that a shell reports for a process that a signal ended.
  if (stop_requested.exchange(true)) _exit(128 + signal_number);
}

void Install() {
  struct sigaction action = {};
  action.sa_handler = OnSignal;
  action.sa_flags = SA_RESTART;  // reads and writes continue
  sigemptyset(&action.sa_mask);
  sigaction(SIGTERM, &action, nullptr);
  sigaction(SIGINT, &action, nullptr);
}

}  // namespace

void InstallStopSignal() {
  exit_at_once.store(false);
  Install();
}

void InstallStopExit() {
  exit_at_once.store(true);
  Install();
}

bool StopRequested() { return stop_requested.load(std::memory_order_relaxed); }

void RequestStop() { stop_requested.store(true); }

}  // namespace slimreel
