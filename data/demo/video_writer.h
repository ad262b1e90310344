// Encodes RGB frames in memory as an MP4 file: by default H.264 with B-frames. No other file of
// data/demo uses libav.
//
// Threading: calls are independent of each other. Each uses one encoder thread and writes no time
// or version stamps: equal frames and options give equal bytes.
#ifndef DATA_DEMO_VIDEO_WRITER_H_
#define DATA_DEMO_VIDEO_WRITER_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"

namespace slimreel {

struct VideoEncoding {
  std::string codec = "libx264";
  std::string preset = "veryfast";  // libx264's speed against size
  int crf = 18;                     // libx264's quality: lower is better and gives larger files
  int frames_per_second = 12;
  int max_b_frames = 2;  // between references; above 0, decode order is not presentation order
  int keyframe_interval = 12;  // frames
};

// `frames`: [num_frames, height, width, 3] uint8, RGB; width and height must be even (4:2:0).
// Returns the bytes of an MP4 file: one stream, yuv420p, BT.601, limited range.
// Errors: InvalidArgument (sizes), Unimplemented (this libav lacks the encoder), Internal.
absl::StatusOr<std::string> EncodeMp4(const uint8_t* frames, int num_frames, int width, int height,
                                      const VideoEncoding& encoding);

}  // namespace slimreel

#endif  // DATA_DEMO_VIDEO_WRITER_H_
