#include "base/stop_signal.h"

#include <signal.h>
#include <unistd.h>

#include <atomic>

namespace slimreel {
namespace {

// A signal handler reaches nothing else; lock-free, so it may be written there.
std::atomic<bool> stop_requested{false};
static_assert(std::atomic<bool>::is_always_lock_free);

void OnSignal(int signal_number) {
  // As a shell reports a process that a signal ended.
  if (stop_requested.exchange(true)) _exit(128 + signal_number);
}

}  // namespace

void InstallStopSignal() {
  struct sigaction action = {};
  action.sa_handler = OnSignal;
  action.sa_flags = SA_RESTART;  // no read or write of ours fails for it
  sigemptyset(&action.sa_mask);
  sigaction(SIGTERM, &action, nullptr);
  sigaction(SIGINT, &action, nullptr);
}

bool StopRequested() { return stop_requested.load(std::memory_order_relaxed); }

void RequestStop() { stop_requested.store(true); }

}  // namespace slimreel
