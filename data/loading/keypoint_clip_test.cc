#include "data/loading/keypoint_clip.h"

#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <string>

#include "base/test_files.h"

namespace slimreel {
namespace {

constexpr FrameSize kStored{96, 80};

// Compares with results of mmaction2's own transforms (tools/parity/make_keypoint_fixtures.py).
TEST(KeypointClipTest, HeatmapPixelsEqualMmaction2) {
  const auto cases = nlohmann::json::parse(ReadTestFile("data/loading/testdata/keypoints.json"));
  ASSERT_EQ(cases.size(), 5u);
  for (const auto& example : cases) {
    const auto stored = example["stored"].get<std::vector<float>>();
    const auto frames = example["frames"].get<std::vector<int64_t>>();
    const auto expected = example["expected"].get<std::vector<float>>();
    const int64_t persons = example["persons"];
    const KeypointsView view{stored.data(), persons, 6, 17};
    const KeypointInput shape{persons, static_cast<int64_t>(frames.size()), 17, example["size"]};
    std::vector<float> out(expected.size(), -1.0f);
    CopyKeypoints(view, frames, CompactWindow(view, frames, kStored), example["flip"], shape,
                  out.data());
    for (size_t i = 0; i < out.size(); ++i) {
      ASSERT_NEAR(out[i], expected[i], 2e-3) << example["name"] << " " << i;
    }
  }
}

// Two persons, one frame, 17 joints: person p's joint v at (10 + v, 20 + 3 v + p), score (v + 1)
// / 20.
std::vector<float> Ladder() {
  std::vector<float> values;
  for (int p = 0; p < 2; ++p) {
    for (int v = 0; v < 17; ++v) {
      values.insert(values.end(), {10.0f + v, 20.0f + 3 * v + p, (v + 1) / 20.0f});
    }
  }
  return values;
}

TEST(KeypointClipTest, MissingPersonsAreZerosAndExtraPersonsAreLeftOut) {
  const std::vector<float> stored = Ladder();
  const KeypointsView view{stored.data(), 2, 1, 17};
  const PoseWindow window{0, 0, 56, 56};
  for (const int64_t persons : {1, 2, 4}) {
    std::vector<float> out(persons * 2 * 17 * 3, -1.0f);
    CopyKeypoints(view, {0, 0}, window, false, {persons, 2, 17, 56}, out.data());
    for (int64_t p = 0; p < persons; ++p) {
      for (int64_t t = 0; t < 2; ++t) {
        const float* joint = &out[((p * 2 + t) * 17 + 3) * 3];
        EXPECT_FLOAT_EQ(joint[0], p < 2 ? 13 : 0);
        EXPECT_FLOAT_EQ(joint[1], p < 2 ? 29 + p : 0);
        EXPECT_FLOAT_EQ(joint[2], p < 2 ? 0.2f : 0);
      }
    }
  }
}

TEST(KeypointClipTest, AJointWithoutACoordinateIsMissing) {
  std::vector<float> stored = Ladder();
  stored[0] = 0;                  // nose: x
  stored[4] = 0;                  // left eye: y
  stored[6] = std::nanf("");      // right eye: x
  const float limit = stored[9];  // the left ear is now leftmost
  const KeypointsView view{stored.data(), 1, 1, 17};
  EXPECT_EQ(limit, 13.0f);
  // Box 13..26 x 29..68: the height decides, 39 * 1.25 = 48.75 around (19.5, 48.5).
  const PoseWindow window = CompactWindow(view, {0}, kStored);
  EXPECT_EQ(window.left, -4);  // trunc(19.5 - 24.375)
  EXPECT_EQ(window.top, 24);
  EXPECT_EQ(window.width, 47);
  EXPECT_EQ(window.height, 48);
  std::vector<float> out(17 * 3, -1.0f);
  CopyKeypoints(view, {0}, window, true, {1, 1, 17, 56}, out.data());
  for (int i = 0; i < 9; ++i) EXPECT_EQ(out[i], 0.0f) << i;  // stays missing when mirrored
  EXPECT_NE(out[9], 0.0f);
}

// Frames of 80 x 96 scaled to 160 x 192 and cut at (10, 20) to 64 x 64: the same 32 x 32 pixels.
TEST(KeypointClipTest, TheWindowOfACropShowsWhatTheFramesShow) {
  const Crop crop{{192, 160}, {64, 64}, 10, 20, true};
  const PoseWindow window = WindowOfCrop(kStored, crop);
  EXPECT_EQ(window.left, 10);
  EXPECT_EQ(window.top, 5);
  EXPECT_EQ(window.width, 32);
  EXPECT_EQ(window.height, 32);
}

TEST(KeypointClipTest, ARandomWindowLiesInsideAndReachesTheEdges) {
  const PoseWindow whole{-8, 4, 80, 40};
  const PoseWindow first = RandomSubWindow(whole, 0, 0);
  EXPECT_EQ(first.left, -8);
  EXPECT_EQ(first.top, 4);
  EXPECT_EQ(first.width, 70);
  EXPECT_EQ(first.height, 35);
  const PoseWindow last = RandomSubWindow(whole, ~uint64_t{0}, ~uint64_t{0});
  EXPECT_NEAR(last.left, 2, 1e-6);
  EXPECT_NEAR(last.top, 9, 1e-6);
}

}  // namespace
}  // namespace slimreel
