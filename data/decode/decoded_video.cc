#include "data/decode/decoded_video.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/test_files.h"
#include "data/decode/ffmpeg_program.h"
#include "data/decode/libav_handles.h"

namespace slimreel {

Decoded DecodeAll(const std::string& path, const VideoDecoderOptions& options) {
  QuietLibavLog();
  Decoded decoded;
  auto decoder = VideoDecoder::Open(path, options);
  decoded.status = decoder.status();
  if (!decoder.ok()) return decoded;
  for (;;) {
    auto more = (*decoder)->Next();
    decoded.status = more.status();
    if (!more.ok() || !*more) break;
    decoded.size = (*decoder)->size();
    decoded.frames.push_back((*decoder)->frame());
    const size_t frame_bytes = decoded.size.rgb_bytes();
    decoded.rgb.resize(decoded.rgb.size() + frame_bytes);
    (*decoder)->CopyRgb({decoded.rgb.data() + decoded.rgb.size() - frame_bytes, frame_bytes});
  }
  decoded.stats = (*decoder)->stats();
  return decoded;
}

void ExpectSameBytes(const std::vector<uint8_t>& ours, const std::vector<uint8_t>& theirs,
                     const std::string& what) {
  ASSERT_EQ(ours.size(), theirs.size()) << what;
  const auto [a, b] = std::mismatch(ours.begin(), ours.end(), theirs.begin());
  EXPECT_TRUE(a == ours.end()) << what << ": first difference at byte " << (a - ours.begin())
                               << ", " << int{*a} << " against " << int{*b};
}

void ExpectNativeSameAsFfmpeg(const std::string& path) {
  const Decoded native = DecodeAll(path);
  ASSERT_TRUE(native.status.ok()) << native.status;
  ASSERT_FALSE(native.frames.empty()) << path;
  ExpectSameBytes(native.rgb, FfmpegFrames(path), path);
}

void ExpectSameAsFfmpeg(const std::string& path) {
  ExpectNativeSameAsFfmpeg(path);
  VideoDecoderOptions options;
  options.sizing.short_side = 112;
  const Decoded resized = DecodeAll(path, options);
  ASSERT_TRUE(resized.status.ok()) << resized.status;
  const std::string filter = "scale=" + std::to_string(resized.size.width) + ":" +
                             std::to_string(resized.size.height) + ":flags=bilinear";
  EXPECT_EQ(std::min(resized.size.width, resized.size.height), 112);
  ExpectSameBytes(resized.rgb, FfmpegFrames(path, filter), path + " with " + filter);
}

std::string MakeClip(const std::string& name, const std::string& source,
                     const std::string& encoding) {
  const std::string path = TestFolder("clip") + "/" + name;
  RunFfmpeg("-f lavfi -i " + source + " " + encoding + " " + path);
  return path;
}

}  // namespace slimreel
