// Compares two pieces of work in interleaved pairs. Each of them runs first in every other pair,
// so that other load on the machine slows both down equally.
#ifndef BASE_PAIRED_TIMING_H_
#define BASE_PAIRED_TIMING_H_

#include <functional>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace slimreel {

struct PairedTimes {
  std::vector<double> speeds;   // time of theirs / ours per pair, sorted; above 1 ours is faster
  std::vector<double> seconds;  // times of ours, sorted
};

// Runs each once to warm up, then `pairs` (at least 1) pairs. Stops at the first error.
absl::StatusOr<PairedTimes> TimePairs(int pairs, const std::function<absl::Status()>& ours,
                                      const std::function<absl::Status()>& theirs);

// The median of sorted values; the upper one if two are in the middle.
inline double MedianOfSorted(const std::vector<double>& values) {
  return values[values.size() / 2];
}

}  // namespace slimreel

#endif  // BASE_PAIRED_TIMING_H_
