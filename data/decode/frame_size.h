// Sizes of frames: what is stored for a given short side. Pure.
#ifndef DATA_DECODE_FRAME_SIZE_H_
#define DATA_DECODE_FRAME_SIZE_H_

#include <cstdint>

namespace slimreel {

struct FrameSize {
  int64_t width = 0;   // pixels
  int64_t height = 0;  // pixels
  int64_t rgb_bytes() const { return 3 * width * height; }
  friend bool operator==(const FrameSize&, const FrameSize&) = default;
};

// How decoded frames are sized. Everything 0: as decoded, without a resize.
struct FrameSizing {
  int short_side = 0;    // the shorter side becomes this, the longer is rounded to nearest (and
                         // saturates: see FrameSize::rgb_bytes before memory is taken)
  FrameSize exact = {};  // both sides given: wins over short_side
};

// The size that `upright` (after rotation) is stored with.
FrameSize OutputSize(const FrameSize& upright, const FrameSizing& sizing);

}  // namespace slimreel

#endif  // DATA_DECODE_FRAME_SIZE_H_
