// The size of a frame, and the size that is stored for a given short side. Free of FFmpeg.
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

// How decoded frames are resized. If all members are 0, they are not.
struct FrameSizing {
  // The shorter side gets this length. The longer one is rounded to the nearest pixel and saturates
  // at 2^30, so check rgb_bytes() before allocating memory.
  int short_side = 0;
  FrameSize exact = {};  // wins over short_side if both sides are above 0
};

// The size that a frame of size `upright` (after rotation) is stored with.
FrameSize OutputSize(const FrameSize& upright, const FrameSizing& sizing);

}  // namespace slimreel

#endif  // DATA_DECODE_FRAME_SIZE_H_
