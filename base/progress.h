// One progress line on standard error: done of total, rate, time left, details.
// On a terminal the line is redrawn in place; elsewhere plain lines are written at intervals.
//
// Threading: one thread at a time. The caller may pass the time, so tests need no clock.
#ifndef BASE_PROGRESS_H_
#define BASE_PROGRESS_H_

#include <cstdint>
#include <cstdio>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/terminal_line.h"

namespace slimreel {

struct ProgressOptions {
  std::string label;                                // "prepare"
  std::string unit;                                 // "videos"
  int64_t total = 0;                                // 0: unknown
  bool enabled = true;                              // false: writes nothing
  absl::Duration redraw = absl::Milliseconds(100);  // least time between lines on a terminal
  absl::Duration interval = absl::Seconds(10);      // least time between lines elsewhere
};

class Progress {
 public:
  // `out` is not owned. `start` is when this run began; `done_before` is what earlier runs had
  // done by then, and does not count in the rate.
  Progress(ProgressOptions options, FILE* out, bool on_terminal, absl::Time start,
           int64_t done_before = 0);
  // Writes to standard error, starting now, and asks the system whether that is a terminal.
  explicit Progress(ProgressOptions options, int64_t done_before = 0);
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // Writes a line if enough time has passed. `details` comes last ("loss 1.24 | 3.1 GiB of 4 GiB").
  void Update(int64_t done, absl::string_view details, absl::Time now = absl::Now());
  // Writes the last line, regardless of the time.
  void Finish(int64_t done, absl::string_view details, absl::Time now = absl::Now());

  // "prepare  12/40 videos  30%  2.5 videos/s  11s left  details".
  std::string Line(int64_t done, absl::string_view details, absl::Time now) const;

 private:
  void Write(const std::string& line);

  ProgressOptions options_;
  TerminalLine drawn_;
  absl::Time start_;
  int64_t done_before_;
  absl::Time last_ = absl::InfinitePast();
};

// "2h03m", "4m05s", "11s".
std::string FormatTimeLeft(absl::Duration left);

}  // namespace slimreel

#endif  // BASE_PROGRESS_H_
