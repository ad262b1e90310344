#include "data/loading/crop.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <set>
#include <utility>

namespace slimreel {
namespace {

constexpr uint64_t kAllOnes = ~uint64_t{0};

TEST(CropTest, AFrameThatCoversTheCropIsNotScaled) {
  EXPECT_EQ(CoveringSize({90, 64}, {64, 64}), (FrameSize{90, 64}));
  EXPECT_EQ(CoveringSize({228, 128}, {112, 112}), (FrameSize{228, 128}));
  EXPECT_EQ(CoveringSize({112, 112}, {112, 112}), (FrameSize{112, 112}));
}

// Brute force: of all sizes with the frame's aspect ratio (to the pixel), the smallest that covers.
TEST(CropTest, ASmallerFrameIsScaledToTheSmallestSizeThatCovers) {
  for (int64_t height = 1; height <= 12; ++height) {
    for (int64_t width = 1; width <= 12; ++width) {
      const FrameSize size = CoveringSize({width, height}, {8, 10});
      if (height >= 10 && width >= 8) continue;
      EXPECT_GE(size.height, 10);
      EXPECT_GE(size.width, 8);
      EXPECT_TRUE(size.height == 10 || size.width == 8) << "one side is as small as may be";
      // The other side follows from the aspect ratio, rounded: |h * width - w * height| <= half a
      // pixel.
      const int64_t off = std::abs(size.height * width - size.width * height);
      EXPECT_LE(2 * off, size.height == 10 ? height : width) << height << " x " << width;
    }
  }
}

TEST(CropTest, TheCentreIsRoundedTowardsTheTopLeft) {
  const Crop even = CentreCrop({228, 128}, {112, 112});
  EXPECT_EQ(even.top, 8);
  EXPECT_EQ(even.left, 58);
  EXPECT_EQ(even.size, (FrameSize{112, 112}));
  EXPECT_FALSE(even.flip);
  const Crop odd = CentreCrop({117, 115}, {112, 112});
  EXPECT_EQ(odd.top, 1);   // of 3 pixels
  EXPECT_EQ(odd.left, 2);  // of 5
  const Crop scaled = CentreCrop({100, 56}, {112, 112});
  EXPECT_EQ(scaled.scaled, (FrameSize{200, 112}));
  EXPECT_EQ(scaled.top, 0);
  EXPECT_EQ(scaled.left, 44);
}

TEST(CropTest, RandomCropsReachEveryPlaceEquallyOften) {
  std::set<std::pair<int64_t, int64_t>> places;
  for (uint64_t i = 0; i < 4; ++i) {
    for (uint64_t j = 0; j < 6; ++j) {
      // Bits in the i-th quarter and the j-th sixth of their range.
      const Crop crop = RandomCrop({15, 13}, {10, 10}, (i << 62) + 1, kAllOnes / 6 * j + 10);
      EXPECT_EQ(crop.top, static_cast<int64_t>(i));
      EXPECT_EQ(crop.left, static_cast<int64_t>(j));
      places.emplace(crop.top, crop.left);
    }
  }
  EXPECT_EQ(places.size(), 24u);
  const Crop last = RandomCrop({15, 13}, {10, 10}, kAllOnes, kAllOnes);
  EXPECT_EQ(last.top, 3);
  EXPECT_EQ(last.left, 5);
  EXPECT_EQ(RandomCrop({15, 10}, {10, 10}, kAllOnes, 0).top, 0);
}

}  // namespace
}  // namespace slimreel
