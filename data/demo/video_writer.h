// Encodes RGB frames into an MP4 file image: real H.264 with B-frames, in
// process. The only file of data/demo that touches libav; it owns its handles.
//
// Callers: demo_set; tests that need real video (any codec libav can encode).
// Threading: calls are independent of each other. One encoder thread each, and
// no time or version stamps: equal frames and options give equal bytes.
#ifndef DATA_DEMO_VIDEO_WRITER_H_
#define DATA_DEMO_VIDEO_WRITER_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"

namespace slimreel {

struct VideoEncoding {
  std::string codec = "libx264";
  std::string preset = "veryfast";  // libx264's speed against size
  int crf = 18;                     // libx264's quality: lower is better and larger
  int frames_per_second = 12;
  int max_b_frames = 2;        // between references; decode order then differs from presentation
  int keyframe_interval = 12;  // frames
};

// `frames`: num_frames x height x width x 3 bytes, RGB; width and height even
// (4:2:0). Returns the bytes of an MP4 file: one stream, yuv420p, BT.601, limited
// range. Errors: InvalidArgument (sizes), Unimplemented (this libav lacks the encoder), Internal.
absl::StatusOr<std::string> EncodeMp4(const uint8_t* frames, int num_frames, int width, int height,
                                      const VideoEncoding& encoding);

}  // namespace slimreel

#endif  // DATA_DEMO_VIDEO_WRITER_H_
