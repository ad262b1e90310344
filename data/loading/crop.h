// Where in a stored frame the model's crop lies. Pure functions.
#ifndef DATA_LOADING_CROP_H_
#define DATA_LOADING_CROP_H_

#include <cstdint>

#include "data/decode/frame_size.h"

namespace slimreel {

// The stored frame, scaled to `scaled` (equal to the stored size unless the
// frame is smaller than the crop), cut at (top, left), mirrored last.
struct Crop {
  FrameSize scaled;
  FrameSize size;
  int64_t top = 0;
  int64_t left = 0;
  bool flip = false;
};

// The smallest size of the same shape that covers `size` on both sides; `stored` where
// it already does.
FrameSize CoveringSize(FrameSize stored, FrameSize size);

// (scaled - size) / 2, rounded down, as mmaction2's CenterCrop.
Crop CentreCrop(FrameSize stored, FrameSize size);

// Uniform over all places; `top_bits` and `left_bits` decide.
Crop RandomCrop(FrameSize stored, FrameSize size, uint64_t top_bits, uint64_t left_bits);

}  // namespace slimreel

#endif  // DATA_LOADING_CROP_H_
