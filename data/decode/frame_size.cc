#include "data/decode/frame_size.h"

#include <algorithm>

namespace slimreel {
namespace {

// round(side * numerator / denominator) in integers, at least 1.
int Scaled(int side, int numerator, int denominator) {
  const int64_t twice = int64_t{2} * side * numerator;
  return static_cast<int>(std::max<int64_t>(1, (twice + denominator) / (int64_t{2} * denominator)));
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
