#include "data/decode/progress_watch.h"

#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"
#include "data/decode/media_error.h"

namespace slimreel {
namespace {

int64_t SteadyClockUs() {
  return std::chrono::duration_cast<std::chrono::microseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

ProgressWatchOptions WithClock(ProgressWatchOptions options) {
  if (!options.clock_us) options.clock_us = SteadyClockUs;
  return options;
}

}  // namespace

ProgressWatch::ProgressWatch(ProgressWatchOptions options)
    : options_(WithClock(std::move(options))) {
  Progress();
}

void ProgressWatch::Progress() { since_us_ = options_.clock_us(); }

bool ProgressWatch::Stopped() {
  if (interrupted_ || late_) return true;
  interrupted_ = options_.interrupted && options_.interrupted();
  late_ = options_.timeout_us > 0 && options_.clock_us() - since_us_ > options_.timeout_us;
  return interrupted_ || late_;
}

absl::Status ProgressWatch::Check(const std::string& path) {
  if (!Stopped()) return absl::OkStatus();
  if (interrupted_) return absl::CancelledError(absl::StrCat(path, ": decoding was stopped"));
  return MediaError(absl::StatusCode::kDeadlineExceeded, kReasonNoProgress,
                    absl::StrCat(path, ": no frame came within ", options_.timeout_us / 1000000,
                                 " s; check whether its disk is slow or the machine overloaded"));
}

}  // namespace slimreel
