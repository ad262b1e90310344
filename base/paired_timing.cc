#include "base/paired_timing.h"

#include <algorithm>
#include <chrono>

#include "base/status_macros.h"

namespace slimreel {
namespace {

absl::StatusOr<double> SecondsOf(const std::function<absl::Status()>& work) {
  const auto start = std::chrono::steady_clock::now();
  SLIMREEL_RETURN_IF_ERROR(work());
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace

absl::StatusOr<PairedTimes> TimePairs(int pairs, const std::function<absl::Status()>& ours,
                                      const std::function<absl::Status()>& theirs) {
  SLIMREEL_RETURN_IF_ERROR(ours());
  SLIMREEL_RETURN_IF_ERROR(theirs());
  PairedTimes times;
  for (int pair = 0; pair < pairs; ++pair) {
    const bool ours_first = pair % 2 == 0;
    SLIMREEL_ASSIGN_OR_RETURN(const double first, SecondsOf(ours_first ? ours : theirs));
    SLIMREEL_ASSIGN_OR_RETURN(const double second, SecondsOf(ours_first ? theirs : ours));
    times.seconds.push_back(ours_first ? first : second);
    times.speeds.push_back(ours_first ? second / first : first / second);
  }
  std::sort(times.speeds.begin(), times.speeds.end());
  std::sort(times.seconds.begin(), times.seconds.end());
  return times;
}

}  // namespace slimreel
