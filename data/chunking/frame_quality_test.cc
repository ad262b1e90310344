#include "data/chunking/frame_quality.h"

#include <gtest/gtest.h>

#include <vector>

namespace slimreel {
namespace {

TEST(FrameQualityTest, BlackAndFlatFramesScoreLowAndTexturedOnesHigh) {
  const FrameSize size{64, 48};
  std::vector<uint8_t> frame(size.rgb_bytes(), 0);
  EXPECT_EQ(MeasureQuality(frame.data(), size).score, 0);
  std::fill(frame.begin(), frame.end(), uint8_t{200});
  EXPECT_EQ(MeasureQuality(frame.data(), size).score, 0);
  for (size_t i = 0; i < frame.size(); ++i) frame[i] = (i / 3) % 2 == 0 ? 40 : 200;
  const FrameQuality quality = MeasureQuality(frame.data(), size);
  EXPECT_NEAR(quality.darkness, 120, 1);
  EXPECT_NEAR(quality.flatness, 80, 1);
  EXPECT_GT(quality.score, 0.9);
}

}  // namespace
}  // namespace slimreel
