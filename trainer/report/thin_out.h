// Fewer points for a picture: long runs give a file of bounded size.
//
// Threading: pure functions, safe from any thread.
#ifndef TRAINER_REPORT_THIN_OUT_H_
#define TRAINER_REPORT_THIN_OUT_H_

#include <cstddef>
#include <vector>

namespace slimreel {

// Indices, ascending, of at most `max_points` (>= 4) of the values. The values are cut into buckets
// of equal length; each gives its lowest and its highest value (NaN is neither). The first and the
// last index are always among them, so the lowest, the highest, and both ends of the picture are
// those of all values.
std::vector<size_t> ThinOut(const std::vector<double>& values, size_t max_points);

}  // namespace slimreel

#endif  // TRAINER_REPORT_THIN_OUT_H_
