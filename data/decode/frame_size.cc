#include "data/decode/frame_size.h"

#include <algorithm>

namespace slimreel {
namespace {

// Longer than any picture, and still short enough for rgb_bytes() to hold its square.
constexpr int64_t kLongest = int64_t{1} << 30;

// round(side * numerator / denominator) in integers, from 1 to kLongest.
int64_t Scaled(int64_t side, int64_t numerator, int64_t denominator) {
  const int64_t rounded = (2 * side * numerator + denominator) / (2 * denominator);
  return std::clamp<int64_t>(rounded, 1, kLongest);
}

}  // namespace

FrameSize OutputSize(const FrameSize& upright, const FrameSizing& sizing) {
  if (sizing.exact.width > 0 && sizing.exact.height > 0) return sizing.exact;
  if (sizing.short_side <= 0) return upright;
  if (upright.width < upright.height) {
    return {sizing.short_side, Scaled(upright.height, sizing.short_side, upright.width)};
  }
  return {Scaled(upright.width, sizing.short_side, upright.height), sizing.short_side};
}

}  // namespace slimreel
