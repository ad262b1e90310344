// How benchmarks compare: both works in interleaved pairs, each in turn the first
// of its pair, so that whatever else the machine does slows both down alike.
#ifndef BASE_PAIRED_TIMING_H_
#define BASE_PAIRED_TIMING_H_

#include <functional>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace slimreel {

struct PairedTimes {
  std::vector<double> speeds;   // theirs / ours of every pair: above 1, ours is faster; sorted
  std::vector<double> seconds;  // ours; sorted
};

// Runs each once to warm up, then `pairs` (at least 1) pairs. The first error ends it.
absl::StatusOr<PairedTimes> TimePairs(int pairs, const std::function<absl::Status()>& ours,
                                      const std::function<absl::Status()>& theirs);

// Of sorted values; the upper one of the two in the middle.
inline double MedianOfSorted(const std::vector<double>& values) {
  return values[values.size() / 2];
}

}  // namespace slimreel

#endif  // BASE_PAIRED_TIMING_H_
