#include "data/loading/crop.h"

#include <algorithm>
#include <cmath>

#include "base/counter_random.h"

namespace slimreel {

FrameSize CoveringSize(FrameSize stored, FrameSize size) {
  const double scale = std::max(static_cast<double>(size.height) / stored.height,
                                static_cast<double>(size.width) / stored.width);
  if (scale <= 1.0) return stored;
  return {.width = std::max<int64_t>(size.width, std::llround(stored.width * scale)),
          .height = std::max<int64_t>(size.height, std::llround(stored.height * scale))};
}

Crop CentreCrop(FrameSize stored, FrameSize size) {
  const FrameSize scaled = CoveringSize(stored, size);
  return {scaled, size, (scaled.height - size.height) / 2, (scaled.width - size.width) / 2, false};
}

Crop RandomCrop(FrameSize stored, FrameSize size, uint64_t top_bits, uint64_t left_bits) {
  const FrameSize scaled = CoveringSize(stored, size);
  return {scaled, size, BelowBound(top_bits, scaled.height - size.height + 1),
          BelowBound(left_bits, scaled.width - size.width + 1), false};
}

}  // namespace slimreel
