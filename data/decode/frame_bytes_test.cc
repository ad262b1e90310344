#include "data/decode/frame_bytes.h"

#include <gtest/gtest.h>

extern "C" {
#include <libavutil/pixfmt.h>
}

#include <climits>

#include "data/decode/media_error.h"

namespace slimreel {
namespace {

TEST(FrameBytesTest, BytesFollowTheFormat) {
  EXPECT_EQ(DecodedBytes({1920, 1080}, AV_PIX_FMT_YUV420P), 1920 * 1080 * 3 / 2);
  EXPECT_EQ(DecodedBytes({1920, 1080}, AV_PIX_FMT_BGRA), 1920 * 1080 * 4);
  EXPECT_EQ(DecodedBytes({1920, 1080}, AV_PIX_FMT_NONE), 1920 * 1080);  // at least
  EXPECT_EQ(DecodedBytes({INT_MAX, INT_MAX}, AV_PIX_FMT_RGBA64LE), INT64_MAX);
}

TEST(FrameBytesTest, OnlySizesAboveTheBoundAreRefused) {
  EXPECT_TRUE(CheckFrameBytes("RGB", {10, 10}, 300, 300).ok());
  EXPECT_TRUE(CheckFrameBytes("RGB", {10, 10}, 300, 0).ok());
  const absl::Status status = CheckFrameBytes("RGB", {10, 10}, 300, 299);
  EXPECT_EQ(ReasonOf(status), kReasonFrameTooLarge);
  EXPECT_EQ(status.message(), "a frame (RGB) of 10 x 10 takes 300 bytes, and the bound is 299");
}

}  // namespace
}  // namespace slimreel
