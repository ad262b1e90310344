// The place of the model's crop in a stored frame. Pure functions.
#ifndef DATA_LOADING_CROP_H_
#define DATA_LOADING_CROP_H_

#include <cstdint>

#include "data/decode/frame_size.h"

namespace slimreel {

// How to crop a stored frame: scale it to `scaled`, cut `size` at (top, left), then mirror it if
// `flip`. `scaled` is the stored size unless the frame is smaller than the crop.
struct Crop {
  FrameSize scaled;
  FrameSize size;
  int64_t top = 0;
  int64_t left = 0;
  bool flip = false;
};

// The smallest size of the same aspect ratio that covers `size`. `stored` if it covers `size`
// already.
FrameSize CoveringSize(FrameSize stored, FrameSize size);

// Cuts at (scaled - size) / 2, rounded down, as mmaction2's CenterCrop.
Crop CentreCrop(FrameSize stored, FrameSize size);

// Draws the place uniformly from all places, by `top_bits` and `left_bits`.
Crop RandomCrop(FrameSize stored, FrameSize size, uint64_t top_bits, uint64_t left_bits);

}  // namespace slimreel

#endif  // DATA_LOADING_CROP_H_
