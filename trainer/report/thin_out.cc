#include "trainer/report/thin_out.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace slimreel {

std::vector<size_t> ThinOut(const std::vector<double>& values, size_t max_points) {
  const size_t size = values.size();
  std::vector<size_t> kept;
  if (size <= max_points) {
    kept.resize(size);
    std::iota(kept.begin(), kept.end(), size_t{0});
    return kept;
  }
  const size_t buckets = (max_points - 2) / 2;
  kept.push_back(0);
  for (size_t b = 0; b < buckets; ++b) {
    const size_t begin = b * size / buckets;
    const size_t end = (b + 1) * size / buckets;
    size_t low = end;
    size_t high = end;
    for (size_t n = begin; n < end; ++n) {
      if (std::isnan(values[n])) continue;
      if (low == end || values[n] < values[low]) low = n;
      if (high == end || values[n] > values[high]) high = n;
    }
    // A bucket of NaN alone keeps one of them: it is a gap.
    if (low == end) low = high = begin;
    kept.push_back(std::min(low, high));
    kept.push_back(std::max(low, high));
  }
  kept.push_back(size - 1);
  kept.erase(std::unique(kept.begin(), kept.end()), kept.end());
  return kept;
}

}  // namespace slimreel
