// Whole videos for tests: made by ffmpeg, decoded here, compared byte by byte.
#ifndef DATA_DECODE_DECODED_VIDEO_H_
#define DATA_DECODE_DECODED_VIDEO_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "data/decode/frame_size.h"
#include "data/decode/video_decoder.h"

namespace slimreel {

struct Decoded {
  std::vector<uint8_t> rgb;  // all frames, one after the other
  std::vector<FrameInfo> frames;
  FrameSize size;
  DecodeStats stats;
  absl::Status status;
};

Decoded DecodeAll(const std::string& path, const VideoDecoderOptions& options = {});

// Not EXPECT_EQ: it would print megabytes.
void ExpectSameBytes(const std::vector<uint8_t>& ours, const std::vector<uint8_t>& theirs,
                     const std::string& what);

// As stored.
void ExpectNativeSameAsFfmpeg(const std::string& path);

// As stored, and with a short side of 112.
void ExpectSameAsFfmpeg(const std::string& path);

// A new clip in a folder of its own: `source` is of lavfi.
std::string MakeClip(const std::string& name, const std::string& source,
                     const std::string& encoding);

}  // namespace slimreel

#endif  // DATA_DECODE_DECODED_VIDEO_H_
