#include "data/demo/texture.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>
#include <vector>

namespace slimreel {
namespace {

constexpr Shade kShade{100, 140, 40};

TEST(TextureTest, ItWrapsAtItsEdges) {
  const Texture texture(7, kShade);
  for (float v = 0; v < Texture::kCells; v += 0.37f) {
    const auto left = texture.At(0, v), right = texture.At(Texture::kCells - 1e-4f, v);
    const auto top = texture.At(v, 0), bottom = texture.At(v, Texture::kCells - 1e-4f);
    for (int channel = 0; channel < 3; ++channel) {
      EXPECT_NEAR(left[channel], right[channel], 0.1);
      EXPECT_NEAR(top[channel], bottom[channel], 0.1);
    }
  }
}

// By the definition of bilinear: inside a cell, only the four corners count, each by its area.
TEST(TextureTest, BetweenGridPointsItIsBilinear) {
  const Texture texture(7, kShade);
  for (int row = 0; row < Texture::kCells; ++row) {
    for (int column = 0; column < Texture::kCells; ++column) {
      const auto a = texture.At(column, row), b = texture.At(column + 1, row);
      const auto c = texture.At(column, row + 1), d = texture.At(column + 1, row + 1);
      const auto inside = texture.At(column + 0.25f, row + 0.75f);
      for (int i = 0; i < 3; ++i) {
        EXPECT_NEAR(inside[i], 0.1875 * a[i] + 0.0625 * b[i] + 0.5625 * c[i] + 0.1875 * d[i], 1e-3);
      }
    }
  }
}

TEST(TextureTest, ColoursSwingAroundAMeanOfTheRange) {
  for (uint64_t seed = 0; seed < 50; ++seed) {
    const Texture texture(seed, {Shade{10, 20, 5}, Shade{100, 140, 40}, Shade{200, 210, 0}});
    const auto colour = texture.At(3.3f, 5.1f);
    EXPECT_GE(colour[0], 5);
    EXPECT_LE(colour[0], 25);
    EXPECT_GE(colour[1], 60);
    EXPECT_LE(colour[1], 180);
    EXPECT_GE(colour[2], 200);
    EXPECT_LE(colour[2], 210);
  }
}

TEST(TextureTest, OnlyTheSeedDecides) {
  EXPECT_EQ(Texture(5, kShade).At(1.5f, 2.5f), Texture(5, kShade).At(1.5f, 2.5f));
  std::set<float> reds;
  for (uint64_t seed = 0; seed < 20; ++seed) {
    reds.insert(Texture(seed, kShade).At(1.5f, 2.5f)[0]);
  }
  EXPECT_EQ(reds.size(), 20u);
}

TEST(WrapTest, IsTheRemainder) {
  EXPECT_EQ(Wrap(7.5, 5), 2.5);
  EXPECT_EQ(Wrap(-0.5, 5), 4.5);
  EXPECT_EQ(Wrap(5, 5), 0);
  EXPECT_EQ(Wrap(0, 5), 0);
  EXPECT_LT(Wrap(-1e-20, 5), 5) << "rounding must not give the period";
}

// A shift by one pixel moves everything by one pixel and wraps at the edge.
TEST(PaintBackgroundTest, AShiftMovesThePixelsAndWraps) {
  constexpr int kWidth = 16, kHeight = 8;
  const Texture texture(9, kShade);
  std::vector<float> still(kWidth * kHeight * 3), moved(still.size());
  PaintBackground(texture, 0, 0, kWidth, kHeight, still.data());
  PaintBackground(texture, 3, -2, kWidth, kHeight, moved.data());
  for (int y = 0; y < kHeight; ++y) {
    for (int x = 0; x < kWidth; ++x) {
      const int to = (y + kHeight - 2) % kHeight * kWidth + (x + 3) % kWidth;
      for (int i = 0; i < 3; ++i) {
        EXPECT_NEAR(moved[3 * to + i], still[3 * (y * kWidth + x) + i], 1e-3);
      }
    }
  }
  EXPECT_EQ(still[0], texture.At(0, 0)[0]);
  EXPECT_EQ(still[3 * 2 + 1], texture.At(1, 0)[1]) << "two pixels are one cell";
}

}  // namespace
}  // namespace slimreel
