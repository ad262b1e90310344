// Ends work that nobody wants any more, or that gives nothing: the poll that blocking loops ask.
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
  int64_t timeout_us = 0;                       // without progress; 0: for ever
  std::function<int64_t()> clock_us = nullptr;  // empty: the steady clock
};

class ProgressWatch {
 public:
  explicit ProgressWatch(ProgressWatchOptions options);

  // Something came, or the wait begins: the time counts anew.
  void Progress();

  // True once interrupted or too late, and from then on.
  bool Stopped();

  // Polls. OK, CANCELLED, or DEADLINE_EXCEEDED with the reason `no_progress`.
  absl::Status Check(const std::string& path);

 private:
  const ProgressWatchOptions options_;
  int64_t since_us_ = 0;
  bool interrupted_ = false;
  bool late_ = false;
};

}  // namespace slimreel

#endif  // DATA_DECODE_PROGRESS_WATCH_H_
