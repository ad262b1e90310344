// For tests: makes whole videos with ffmpeg, decodes them here, and compares them byte by byte.
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
  std::vector<uint8_t> rgb;  // [frames, height, width, 3]
  std::vector<FrameInfo> frames;
  FrameSize size;
  DecodeStats stats;
  absl::Status status;
};

// Decodes all frames. `status` is the error that ended it, or OK.
Decoded DecodeAll(const std::string& path, const VideoDecoderOptions& options = {});

// Reports only the first difference. (EXPECT_EQ would print megabytes.)
void ExpectSameBytes(const std::vector<uint8_t>& ours, const std::vector<uint8_t>& theirs,
                     const std::string& what);

// Compares our frames, at the size that the file has, with those of the ffmpeg program.
void ExpectNativeSameAsFfmpeg(const std::string& path);

// The same, and once more with frames resized to a short side of 112.
void ExpectSameAsFfmpeg(const std::string& path);

// Makes a clip in a new folder and returns its path. `source` is a lavfi source; `encoding` holds
// ffmpeg's output options.
std::string MakeClip(const std::string& name, const std::string& source,
                     const std::string& encoding);

}  // namespace slimreel

#endif  // DATA_DECODE_DECODED_VIDEO_H_
