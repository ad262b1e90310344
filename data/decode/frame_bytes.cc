#include "data/decode/frame_bytes.h"

#include <algorithm>

extern "C" {
#include <libavutil/pixdesc.h>
}

#include <limits>

#include "absl/strings/str_format.h"
#include "data/decode/media_error.h"

namespace slimreel {

int64_t DecodedBytes(const FrameSize& size, int pixel_format) {
  const AVPixFmtDescriptor* format = av_pix_fmt_desc_get(static_cast<AVPixelFormat>(pixel_format));
  const int64_t bits = format == nullptr ? 8 : av_get_bits_per_pixel(format);
  const int64_t pixels = size.width * size.height;
  if (pixels > std::numeric_limits<int64_t>::max() / bits) {
    return std::numeric_limits<int64_t>::max();
  }
  return pixels * bits / 8;
}

absl::Status CheckFrameBytes(const char* what, const FrameSize& size, int64_t bytes,
                             int64_t max_bytes) {
  if (max_bytes <= 0 || bytes <= max_bytes) return absl::OkStatus();
  return MediaError(absl::StatusCode::kInvalidArgument, kReasonFrameTooLarge,
                    absl::StrFormat("a frame (%s) of %d x %d takes %d bytes, and the bound is %d",
                                    what, size.width, size.height, bytes, max_bytes));
}

absl::Status CheckOutputFrame(const FrameSize& size, int64_t max_bytes) {
  if (std::max(size.width, size.height) > kMaxSide) {
    return MediaError(absl::StatusCode::kInvalidArgument, kReasonFrameTooLarge,
                      absl::StrFormat("a frame (RGB) of %d x %d has a side of over %d pixels",
                                      size.width, size.height, kMaxSide));
  }
  return CheckFrameBytes("RGB", size, size.rgb_bytes(), max_bytes);
}

}  // namespace slimreel
