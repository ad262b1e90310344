// How much memory pictures take, and checks of their bounds before memory is allocated.
#ifndef DATA_DECODE_FRAME_BYTES_H_
#define DATA_DECODE_FRAME_BYTES_H_

#include <cstdint>

#include "absl/status/status.h"
#include "data/decode/frame_size.h"

namespace slimreel {

// Bytes of a decoded picture. If the pixel format is unknown (AV_PIX_FMT_NONE), the smallest number
// that it could be. Saturates at the largest int64.
int64_t DecodedBytes(const FrameSize& size, int pixel_format);

// OK up to `max_bytes` (0: no bound), else an error with the reason `frame_too_large`. `what` names
// the frame in the message: "decoded" or "RGB".
absl::Status CheckFrameBytes(const char* what, const FrameSize& size, int64_t bytes,
                             int64_t max_bytes);

// The same for a frame as RGB24. A side over kMaxSide is too large as well: scaling a very narrow
// picture by its short side gives a frame of no use for training, whatever its bytes.
inline constexpr int kMaxSide = 65535;
absl::Status CheckOutputFrame(const FrameSize& size, int64_t max_bytes);

}  // namespace slimreel

#endif  // DATA_DECODE_FRAME_BYTES_H_
