#include "data/chunking/chunk_keypoints.h"

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

#include "data/shard/npy.h"

namespace slimreel {
namespace {

TEST(ChunkKeypointsTest, FramesKeepTheGivenOrderAndCoordinatesAreScaledPerAxis) {
  // Two persons, three frames, one joint: x = 10 * person + frame, y = 100 + x, score = x / 64.
  KeypointTrack track{2, 3, 1, {}};
  for (const float x : {0.0f, 1.0f, 2.0f, 10.0f, 11.0f, 12.0f}) {
    track.values.insert(track.values.end(), {x, 100 + x, x / 64});
  }
  const FrameSize upright{200, 400}, stored{100, 100};  // half the width, a quarter of the height
  const std::string file = ChunkKeypoints(track, {{2, upright}, {0, upright}}, stored);
  const auto npy = ParseNpy(file);
  ASSERT_TRUE(npy.ok()) << npy.status();
  EXPECT_EQ(npy->type, NpyType::kFloat32);
  EXPECT_EQ(npy->shape, (std::vector<int64_t>{2, 2, 1, 3}));
  std::vector<float> values(npy->data.size() / sizeof(float));
  std::memcpy(values.data(), npy->data.data(), npy->data.size());
  EXPECT_EQ(values, (std::vector<float>{1.0f, 25.5f, 2 / 64.0f, 0.0f, 25.0f, 0.0f,  //
                                        6.0f, 28.0f, 12 / 64.0f, 5.0f, 27.5f, 10 / 64.0f}));
}

TEST(ChunkKeypointsTest, AMissingJointStaysMissing) {
  const KeypointTrack track{1, 1, 2, {0, 0, 0, 7, 0, 0.5f}};
  const std::string file = ChunkKeypoints(track, {{0, {64, 48}}}, {320, 240});
  const auto npy = ParseNpy(file);
  ASSERT_TRUE(npy.ok()) << npy.status();
  std::vector<float> values(6);
  ASSERT_EQ(npy->data.size(), sizeof(float) * values.size());
  std::memcpy(values.data(), npy->data.data(), npy->data.size());
  EXPECT_EQ(values, (std::vector<float>{0, 0, 0, 35, 0, 0.5f}));
}

// The frame size changes from 200 x 400 to 400 x 200.
TEST(ChunkKeypointsTest, EachFrameIsScaledFromItsOwnSize) {
  const KeypointTrack track{1, 2, 1, {100, 100, 1, 100, 100, 1}};
  const std::string file = ChunkKeypoints(track, {{0, {200, 400}}, {1, {400, 200}}}, {100, 100});
  const auto npy = ParseNpy(file);
  ASSERT_TRUE(npy.ok()) << npy.status();
  std::vector<float> values(6);
  ASSERT_EQ(npy->data.size(), sizeof(float) * values.size());
  std::memcpy(values.data(), npy->data.data(), npy->data.size());
  EXPECT_EQ(values, (std::vector<float>{50, 25, 1, 25, 50, 1}));
}

}  // namespace
}  // namespace slimreel
