// One line of progress on standard error: done of total, rate, time left, memory.
// Redrawn in place on a terminal, plain lines at intervals elsewhere.
//
// Threading: one thread at a time. The clock is the caller's, so that tests need none.
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
  int64_t total = 0;                                // 0: not known
  bool enabled = true;                              // false: writes nothing
  absl::Duration redraw = absl::Milliseconds(100);  // on a terminal, at most this often
  absl::Duration interval = absl::Seconds(10);      // elsewhere
};

class Progress {
 public:
  // `out` is not owned. `start` is when the work began (not counting what
  // `done_before` a resume did).
  Progress(ProgressOptions options, FILE* out, bool on_terminal, absl::Time start,
           int64_t done_before = 0);
  // To standard error, asking the system whether it is a terminal.
  explicit Progress(ProgressOptions options, int64_t done_before = 0);
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // Writes where it is time to. `details` comes last ("loss 1.24 | 3.1 GiB of 4 GiB").
  void Update(int64_t done, absl::string_view details, absl::Time now = absl::Now());
  // Writes the last line whatever the time.
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
