#include "data/demo/motion_clip.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <complex>
#include <numbers>

namespace slimreel {
namespace {

constexpr MotionClipOptions kOptions;
constexpr int64_t kFrameBytes = 80 * 72 * 3;

TEST(MotionClipTest, TheSameParametersGiveTheSamePixels) {
  for (const Motion motion : kMotions) {
    const auto draw = [motion](uint64_t seed) {
      return RenderMotionClip(DrawMotionClipParameters(motion, seed, kOptions), kOptions);
    };
    EXPECT_EQ(draw(4), draw(4));
    EXPECT_NE(draw(4), draw(5));
    EXPECT_EQ(static_cast<int64_t>(draw(4).size()), 24 * kFrameBytes);
  }
}

TEST(MotionClipTest, ClassesOfOneSeedShareTheFirstFrameButNotTheSecond) {
  for (uint64_t seed = 0; seed < 5; ++seed) {
    const auto reference =
        RenderMotionClip(DrawMotionClipParameters(Motion::kLeft, seed, kOptions), kOptions);
    for (const Motion motion : kMotions) {
      if (motion == Motion::kLeft) continue;
      const auto clip =
          RenderMotionClip(DrawMotionClipParameters(motion, seed, kOptions), kOptions);
      EXPECT_TRUE(std::equal(clip.begin(), clip.begin() + kFrameBytes, reference.begin()));
      EXPECT_NE(clip, reference) << MotionName(motion);
    }
  }
}

// Every moving quantity lies on a circle. Its distribution must stay uniform at every frame. Then
// the first two Fourier coefficients of n draws are complex normal with variance 1/n, and exceed 5
// / sqrt(n) once in 70 billion.
TEST(MotionClipTest, EveryFrameHasTheSameDistributionInEveryClass) {
  constexpr int kDraws = 2000;
  for (const Motion motion : kMotions) {
    for (const int frame : {0, 7, 12, 23}) {
      std::complex<double> sums[4][2] = {};
      for (uint64_t seed = 0; seed < kDraws; ++seed) {
        const MotionClipParameters p = DrawMotionClipParameters(motion, seed, kOptions);
        const double turns[4] = {(p.x + p.velocity_x * frame) / kOptions.width,
                                 (p.y + p.velocity_y * frame) / kOptions.height,
                                 (p.angle + p.angular_velocity * frame) / 2 / std::numbers::pi,
                                 p.size_phase + p.growth * frame};
        for (int i = 0; i < 4; ++i) {
          for (int k = 1; k <= 2; ++k) {
            sums[i][k - 1] += std::polar(1.0, 2 * std::numbers::pi * k * turns[i]);
          }
        }
      }
      for (const auto& sum : sums) {
        EXPECT_LT(std::abs(sum[0]) / kDraws, 5 / std::sqrt(kDraws)) << MotionName(motion);
        EXPECT_LT(std::abs(sum[1]) / kDraws, 5 / std::sqrt(kDraws)) << MotionName(motion);
      }
    }
  }
}

// Without background drift, two frames differ only where the object was or is. This finds the
// object.
TEST(MotionClipTest, RightMovesTheObjectRight) {
  MotionClipParameters p = DrawMotionClipParameters(Motion::kRight, 1, kOptions);
  p.background_velocity_x = p.background_velocity_y = 0;
  p.x = 20;
  p.y = 36;
  p.velocity_x = 2;
  p.angle = 0;
  p.size_phase = 0;
  const auto clip = RenderMotionClip(p, kOptions);
  MotionClipParameters shifted = p;
  shifted.x = 20 + 2 * 10;
  const auto later = RenderMotionClip(shifted, kOptions);
  EXPECT_TRUE(
      std::equal(later.begin(), later.begin() + kFrameBytes, clip.begin() + 10 * kFrameBytes));
}

// A model of one frame (nearest class mean of the middle frame's pixels) stays near chance, 1/6.
// With 600 clips the standard deviation is 0.015; the bound is chance plus 4 of these.
TEST(MotionClipTest, ASingleFrameDoesNotRevealTheClass) {
  constexpr int kClips = 100;
  constexpr int kClasses = std::size(kMotions);
  const auto middle_frame = [](int label, uint64_t seed) {
    MotionClipParameters p = DrawMotionClipParameters(kMotions[label], seed, kOptions);
    p.x += 12 * p.velocity_x;
    p.y += 12 * p.velocity_y;
    p.angle += 12 * p.angular_velocity;
    p.size_phase += 12 * p.growth;
    MotionClipOptions one = kOptions;
    one.num_frames = 1;
    return RenderMotionClip(p, one);
  };
  std::vector<std::vector<double>> means(kClasses, std::vector<double>(kFrameBytes));
  for (int label = 0; label < kClasses; ++label) {
    for (int i = 0; i < kClips; ++i) {
      const auto frame = middle_frame(label, 1000 * label + i);
      for (int64_t b = 0; b < kFrameBytes; ++b) means[label][b] += frame[b] / double{kClips};
    }
  }
  int right = 0;
  for (int label = 0; label < kClasses; ++label) {
    for (int i = 0; i < kClips; ++i) {
      const auto frame = middle_frame(label, 1000000 + 1000 * label + i);
      std::vector<double> distances(kClasses);
      for (int other = 0; other < kClasses; ++other) {
        for (int64_t b = 0; b < kFrameBytes; ++b) {
          distances[other] += (frame[b] - means[other][b]) * (frame[b] - means[other][b]);
        }
      }
      right += std::min_element(distances.begin(), distances.end()) - distances.begin() == label;
    }
  }
  EXPECT_LT(right / double{kClasses * kClips}, 1.0 / 6 + 4 * 0.015);
}

}  // namespace
}  // namespace slimreel
