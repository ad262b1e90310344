#include "data/decode/frame_size.h"

#include <gtest/gtest.h>

namespace slimreel {
namespace {

TEST(FrameSizeTest, WithoutARequestTheDecodedSizeStays) {
  EXPECT_EQ(OutputSize({1920, 1080}, {}), (FrameSize{1920, 1080}));
}

TEST(FrameSizeTest, TheLongSideIsRoundedToNearest) {
  EXPECT_EQ(OutputSize({1920, 1080}, {.short_side = 128}), (FrameSize{228, 128}));  // 227.55
  EXPECT_EQ(OutputSize({426, 240}, {.short_side = 128}), (FrameSize{227, 128}));    // 227.2
  EXPECT_EQ(OutputSize({5, 2}, {.short_side = 1}), (FrameSize{3, 1}));              // 2.5
}

TEST(FrameSizeTest, TheShortSideIsTheWidthOfAPortrait) {
  EXPECT_EQ(OutputSize({320, 568}, {.short_side = 160}), (FrameSize{160, 284}));
}

TEST(FrameSizeTest, TheLongestSideSaturatesAndItsBytesStillFit) {
  const FrameSize size = OutputSize({1, 65535}, {.short_side = 1 << 20});
  EXPECT_EQ(size, (FrameSize{1 << 20, 1 << 30}));
  EXPECT_EQ(size.rgb_bytes(), int64_t{3} << 50);
}

TEST(FrameSizeTest, ExactSizesWin) {
  EXPECT_EQ(OutputSize({320, 240}, {.short_side = 7, .exact = {64, 48}}), (FrameSize{64, 48}));
}

}  // namespace
}  // namespace slimreel
