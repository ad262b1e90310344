#include "base/progress.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace slimreel {

Progress::Progress(ProgressOptions options, FILE* out, bool on_terminal, absl::Time start,
                   int64_t done_before)
    : options_(std::move(options)),
      drawn_(out, on_terminal),
      start_(start),
      done_before_(done_before) {}

Progress::Progress(ProgressOptions options, int64_t done_before)
    : Progress(std::move(options), stderr, StandardErrorIsTerminal(), absl::Now(), done_before) {}

void Progress::Update(int64_t done, absl::string_view details, absl::Time now) {
  if (now - last_ < (drawn_.on_terminal() ? options_.redraw : options_.interval)) return;
  last_ = now;
  Write(Line(done, details, now));
}

void Progress::Finish(int64_t done, absl::string_view details, absl::Time now) {
  Write(Line(done, details, now));
  drawn_.End();
}

std::string Progress::Line(int64_t done, absl::string_view details, absl::Time now) const {
  std::string line = absl::StrCat(options_.label, "  ", done);
  if (options_.total > 0) absl::StrAppend(&line, "/", options_.total);
  absl::StrAppend(&line, " ", options_.unit);
  if (options_.total > 0) absl::StrAppend(&line, "  ", 100 * done / options_.total, "%");
  const double seconds = absl::ToDoubleSeconds(now - start_);
  const double rate = seconds > 0.0 ? static_cast<double>(done - done_before_) / seconds : 0.0;
  if (rate > 0.0) {
    absl::StrAppendFormat(&line, "  %.3g %s/s", rate, options_.unit);
    if (options_.total > done) {
      const double left = static_cast<double>(options_.total - done) / rate;
      absl::StrAppend(&line, "  ", FormatTimeLeft(absl::Seconds(left)), " left");
    }
  }
  if (!details.empty()) absl::StrAppend(&line, "  ", details);
  return line;
}

void Progress::Write(const std::string& line) {
  if (options_.enabled) drawn_.Show(line);
}

std::string FormatTimeLeft(absl::Duration left) {
  const int64_t seconds = absl::ToInt64Seconds(left);
  if (seconds >= 3600) return absl::StrFormat("%dh%02dm", seconds / 3600, seconds / 60 % 60);
  if (seconds >= 60) return absl::StrFormat("%dm%02ds", seconds / 60, seconds % 60);
  return absl::StrCat(seconds, "s");
}

}  // namespace slimreel
