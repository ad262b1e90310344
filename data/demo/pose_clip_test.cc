#include "data/demo/pose_clip.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <string>

namespace slimreel {
namespace {

constexpr PoseClipOptions kOptions;
constexpr int64_t kJointValues = 17 * 3;

PoseClipParameters Draw(CloakColor color, LimbMotion motion, uint64_t seed) {
  return DrawPoseClipParameters(color, motion, seed, kOptions);
}

// The frames are a function of (colour, seed): they do not depend on the motion.
TEST(PoseClipTest, FramesOfOneSeedAreTheSameInEveryMotion) {
  for (const CloakColor color : kCloakColors) {
    for (uint64_t seed = 0; seed < 3; ++seed) {
      const auto frames = RenderPoseClip(Draw(color, LimbMotion::kArms, seed), kOptions);
      EXPECT_EQ(static_cast<int64_t>(frames.size()), 40 * 80 * 96 * 3);
      for (const LimbMotion motion : kLimbMotions) {
        EXPECT_TRUE(frames == RenderPoseClip(Draw(color, motion, seed), kOptions));
      }
      EXPECT_FALSE(frames == RenderPoseClip(Draw(color, LimbMotion::kArms, seed + 1), kOptions));
    }
  }
}

// The keypoints are a function of (motion, seed): they do not depend on the colour.
TEST(PoseClipTest, KeypointsOfOneSeedAreTheSameInEveryColour) {
  for (const LimbMotion motion : kLimbMotions) {
    for (uint64_t seed = 0; seed < 20; ++seed) {
      const auto keypoints = PoseClipKeypoints(Draw(CloakColor::kBlue, motion, seed), kOptions);
      EXPECT_EQ(static_cast<int64_t>(keypoints.size()), 40 * kJointValues);
      for (const CloakColor color : kCloakColors) {
        EXPECT_EQ(keypoints, PoseClipKeypoints(Draw(color, motion, seed), kOptions));
      }
      EXPECT_NE(keypoints, PoseClipKeypoints(Draw(CloakColor::kBlue, motion, seed + 1), kOptions));
    }
  }
}

// The strongest channel in the middle of the cloak is the colour.
TEST(PoseClipTest, FramesShowTheColour) {
  for (const CloakColor color : kCloakColors) {
    for (uint64_t seed = 0; seed < 50; ++seed) {
      const PoseClipParameters p = Draw(color, LimbMotion::kBend, seed);
      PoseClipOptions one = kOptions;
      one.num_frames = 1;
      const auto frame = RenderPoseClip(p, one);
      double sums[3] = {};
      for (int y = -10; y <= 10; ++y) {
        for (int x = -10; x <= 10; ++x) {
          const auto row = static_cast<int64_t>(p.start_y + y);
          const auto column = static_cast<int64_t>(p.start_x + x);
          for (int c = 0; c < 3; ++c) sums[c] += frame[(row * 96 + column) * 3 + c];
        }
      }
      const int strongest = static_cast<int>(std::max_element(sums, sums + 3) - sums);
      const std::map<CloakColor, int> channel = {
          {CloakColor::kRed, 0}, {CloakColor::kGreen, 1}, {CloakColor::kBlue, 2}};
      EXPECT_EQ(strongest, channel.at(color)) << seed;
    }
  }
}

// The distance that a joint travels relative to the middle of the hips, in heights of the figure.
double Travel(const std::vector<float>& keypoints, int joint, double figure_height) {
  double least_x = 1e9, most_x = -1e9, least_y = 1e9, most_y = -1e9;
  for (int t = 0; t < kOptions.num_frames; ++t) {
    const float* frame = &keypoints[t * kJointValues];
    const float* left = frame + 11 * 3;
    const float* right = frame + 12 * 3;
    const float* at = frame + joint * 3;
    if (left[2] == 0 || right[2] == 0 || at[2] == 0) continue;
    const double x = at[0] - (left[0] + right[0]) / 2, y = at[1] - (left[1] + right[1]) / 2;
    least_x = std::min(least_x, x);
    most_x = std::max(most_x, x);
    least_y = std::min(least_y, y);
    most_y = std::max(most_y, y);
  }
  return std::hypot(most_x - least_x, most_y - least_y) / figure_height;
}

TEST(PoseClipTest, KeypointsShowTheMotion) {
  for (const LimbMotion motion : kLimbMotions) {
    for (uint64_t seed = 0; seed < 50; ++seed) {
      const PoseClipParameters p = Draw(CloakColor::kRed, motion, seed);
      const auto keypoints = PoseClipKeypoints(p, kOptions);
      const auto moves = [&](int joint) {
        return Travel(keypoints, joint, p.figure_height) > 0.25;
      };
      EXPECT_EQ(moves(9) && !moves(0), motion == LimbMotion::kArms) << seed;  // wrist, not nose
      EXPECT_EQ(moves(0), motion == LimbMotion::kBend) << seed;
      EXPECT_EQ(moves(15), motion == LimbMotion::kLegs) << seed;  // ankle
    }
  }
}

// Pixels that do not change with the background are under the cloak. Every joint must be at such a
// pixel, or the video would show the limbs.
TEST(PoseClipTest, EveryJointIsUnderTheCloak) {
  for (const LimbMotion motion : kLimbMotions) {
    for (uint64_t seed = 0; seed < 8; ++seed) {
      PoseClipParameters p = Draw(CloakColor::kRed, motion, seed);
      const auto keypoints = PoseClipKeypoints(p, kOptions);
      const auto frames = RenderPoseClip(p, kOptions);
      p.background_x += 30;
      p.background_y += 30;
      const auto others = RenderPoseClip(p, kOptions);
      int changed = 0;
      for (size_t i = 0; i < frames.size(); ++i) changed += frames[i] != others[i];
      EXPECT_GT(changed, static_cast<int>(frames.size() / 4));
      for (int64_t i = 0; i < kOptions.num_frames * 17; ++i) {
        const float* joint = &keypoints[i * 3];
        if (joint[2] == 0) continue;
        const auto x = static_cast<int64_t>(std::lround(joint[0]));
        const auto y = static_cast<int64_t>(std::lround(joint[1]));
        ASSERT_TRUE(x >= 0 && x < 96 && y >= 0 && y < 80);
        const int64_t pixel = ((i / 17 * 80 + y) * 96 + x) * 3;
        EXPECT_TRUE(std::equal(&frames[pixel], &frames[pixel] + 3, &others[pixel])) << seed;
      }
    }
  }
}

TEST(PoseClipTest, SomeJointsAreMissing) {
  int missing = 0;
  for (uint64_t seed = 0; seed < 100; ++seed) {
    const auto keypoints =
        PoseClipKeypoints(Draw(CloakColor::kRed, LimbMotion::kBend, seed), kOptions);
    for (size_t i = 0; i < keypoints.size(); i += 3) {
      if (keypoints[i + 2] > 0) continue;
      EXPECT_TRUE(keypoints[i] == 0 && keypoints[i + 1] == 0);
      ++missing;
    }
  }
  EXPECT_NEAR(missing / (100.0 * 40 * 17), 0.03, 0.005);
}

}  // namespace
}  // namespace slimreel
