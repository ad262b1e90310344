// Tells a blocking loop when to stop: on an interruption, or if no progress came in time.
//
// Threading: one thread at a time.
#ifndef DATA_DECODE_PROGRESS_WATCH_H_
#define DATA_DECODE_PROGRESS_WATCH_H_

#include <cstdint>
#include <functional>
#include <string>

#include "absl/status/status.h"

namespace slimreel {

struct ProgressWatchOptions {
  std::function<bool()> interrupted = nullptr;  // empty: never
  int64_t timeout_us = 0;                       // longest time without progress; 0: no limit
  std::function<int64_t()> clock_us = nullptr;  // empty: the steady clock
};

class ProgressWatch {
 public:
  explicit ProgressWatch(ProgressWatchOptions options);

  // Restarts the clock. Call it when a frame came, and when the wait begins.
  void Progress();

  // Polls. True if interrupted or too late; stays true from then on.
  bool Stopped();

  // Polls. Returns OK, CANCELLED, or DEADLINE_EXCEEDED with the reason `no_progress`.
  absl::Status Check(const std::string& path);

 private:
  const ProgressWatchOptions options_;
  int64_t since_us_ = 0;
  bool interrupted_ = false;
  bool late_ = false;
};

}  // namespace slimreel

#endif  // DATA_DECODE_PROGRESS_WATCH_H_
