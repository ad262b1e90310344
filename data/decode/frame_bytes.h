// How much memory pictures take, and the bounds on it, judged before memory is taken.
#ifndef DATA_DECODE_FRAME_BYTES_H_
#define DATA_DECODE_FRAME_BYTES_H_

#include <cstdint>

#include "absl/status/status.h"
#include "data/decode/frame_size.h"

namespace slimreel {

// Bytes of a decoded picture; of an unknown pixel format (AV_PIX_FMT_NONE) the least that it
// could be. Saturates.
int64_t DecodedBytes(const FrameSize& size, int pixel_format);

// OK up to `max_bytes` (0: no bound), else the file's reason `frame_too_large`. `what`: "decoded"
// or "RGB".
absl::Status CheckFrameBytes(const char* what, const FrameSize& size, int64_t bytes,
                             int64_t max_bytes);

// Of a frame as RGB24: also a side over kMaxSide is too large. A sliver of a picture that is
// scaled by its short side becomes one that nobody trains on, under the bound of bytes or not.
inline constexpr int kMaxSide = 65535;
absl::Status CheckOutputFrame(const FrameSize& size, int64_t max_bytes);

}  // namespace slimreel

#endif  // DATA_DECODE_FRAME_BYTES_H_
