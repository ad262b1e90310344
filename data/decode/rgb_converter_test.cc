#include "data/decode/rgb_converter.h"

#include <gtest/gtest.h>

extern "C" {
#include <libavutil/display.h>
#include <libavutil/mem.h>
}

#include <climits>

#include "data/decode/media_error.h"

namespace slimreel {
namespace {

using Filters = std::vector<std::pair<std::string, std::string>>;

DisplayMatrix Rotated(double degrees_clockwise) {
  DisplayMatrix matrix{};
  av_display_rotation_set(matrix.data(), degrees_clockwise);
  return matrix;
}

FramePtr Grey(int width, int height) {
  FramePtr frame = NewFrame();
  frame->width = width;
  frame->height = height;
  frame->format = AV_PIX_FMT_YUV420P;
  EXPECT_EQ(av_frame_get_buffer(frame.get(), 0), 0);
  for (int plane = 0; plane < 3; ++plane) {
    const int rows = plane == 0 ? height : (height + 1) / 2;
    for (int i = 0; i < rows * frame->linesize[plane]; ++i) frame->data[plane][i] = 128;
  }
  return frame;
}

TEST(RgbConverterTest, QuarterTurnsBecomeTransposes) {
  EXPECT_EQ(UprightFilters(Rotated(90)), (Filters{{"transpose", "clock"}}));
  EXPECT_EQ(UprightFilters(Rotated(-90)), (Filters{{"transpose", "cclock"}}));
  EXPECT_EQ(UprightFilters(Rotated(180)), (Filters{{"hflip", ""}, {"vflip", ""}}));
  EXPECT_TRUE(UprightFilters(Rotated(0)).empty());
}

TEST(RgbConverterTest, FlipsOfTheMatrixAreKept) {
  DisplayMatrix upside_down = Rotated(0);
  av_display_matrix_flip(upside_down.data(), 0, 1);
  EXPECT_EQ(UprightFilters(upside_down), (Filters{{"vflip", ""}}));
}

TEST(RgbConverterTest, OddAnglesAreRotatedInPlace) {
  ASSERT_EQ(UprightFilters(Rotated(30)).size(), 1u);
  EXPECT_EQ(UprightFilters(Rotated(30))[0].first, "rotate");
}

TEST(RgbConverterTest, FramesOfAnotherSizeAreResizedToTheFirstOnesSize) {
  RgbConverter converter({});
  ASSERT_TRUE(converter.Convert(Grey(64, 48).get(), std::nullopt).ok());
  EXPECT_EQ(converter.size_changes(), 0);
  auto rgb = converter.Convert(Grey(80, 32).get(), std::nullopt);
  ASSERT_TRUE(rgb.ok()) << rgb.status();
  EXPECT_EQ((*rgb)->width, 64);
  EXPECT_EQ((*rgb)->height, 48);
  EXPECT_EQ(converter.size_changes(), 1);
  EXPECT_EQ(converter.upright_size(), (FrameSize{80, 32}));
  EXPECT_EQ(converter.output_size(), (FrameSize{64, 48}));
}

// The frame would take 192 GiB.
TEST(RgbConverterTest, AFrameOverTheBoundIsRefusedBeforeAllocation) {
  RgbConverter converter({.sizing = {.short_side = 128}, .max_output_bytes = 256 << 20});
  const auto fits = converter.Convert(Grey(64, 48).get(), std::nullopt);
  EXPECT_TRUE(fits.ok()) << fits.status();
  RgbConverter other({.sizing = {.short_side = 1 << 20}, .max_output_bytes = 256 << 20});
  const absl::Status status = other.Convert(Grey(2, 4096).get(), std::nullopt).status();
  EXPECT_EQ(ReasonOf(status), kReasonFrameTooLarge) << status;
}

// Here libavfilter cannot allocate more than a kilobyte at once.
TEST(RgbConverterTest, AGraphWithoutMemoryIsTheMachinesError) {
  const FramePtr frame = Grey(64, 48);
  RgbConverter converter({});
  av_max_alloc(1 << 10);
  const absl::Status status = converter.Convert(frame.get(), std::nullopt).status();
  av_max_alloc(INT_MAX);
  EXPECT_TRUE(IsMachineError(status)) << status;
}

TEST(RgbConverterTest, TheSizeIsTakenAfterTheRotation) {
  RgbConverter converter({.sizing = {.short_side = 24}});
  auto rgb = converter.Convert(Grey(96, 48).get(), Rotated(90));
  ASSERT_TRUE(rgb.ok()) << rgb.status();
  EXPECT_EQ(converter.upright_size(), (FrameSize{48, 96}));
  EXPECT_EQ((*rgb)->width, 24);
  EXPECT_EQ((*rgb)->height, 48);
  EXPECT_EQ(converter.rotation(), 90);
}

}  // namespace
}  // namespace slimreel
