#include "data/annotations/keypoint_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cmath>

#include "base/test_files.h"
#include "data/shard/npy.h"

namespace slimreel {
namespace {

TEST(KeypointFileTest, LiesBesideTheVideo) {
  EXPECT_EQ(KeypointPathOf("a/b.c/clip.mp4"), "a/b.c/clip.kpts.npy");
  EXPECT_EQ(KeypointPathOf("two.dots.avi"), "two.dots.kpts.npy");
}

TEST(KeypointFileTest, ValuesComeAsWritten) {
  const std::string path = TestFolder("keypoints") + "/a.kpts.npy";
  const std::vector<float> values = {1, 2, 0.5f, 0, 0, 0, -3, 4, 1, 5, 6.25f, 0.75f};
  WriteTestFile(path, NpyFile(NpyType::kFloat32, {1, 2, 2, 3}, values.data()));
  const auto track = ReadKeypointFile(path);
  ASSERT_TRUE(track.ok()) << track.status();
  EXPECT_EQ(track->persons, 1);
  EXPECT_EQ(track->frames, 2);
  EXPECT_EQ(track->joints, 2);
  EXPECT_EQ(track->values, values);
}

TEST(KeypointFileTest, WhatIsNoKeypointArrayIsRefusedWithItsPath) {
  const std::string folder = TestFolder("keypoints");
  const std::string path = folder + "/a.kpts.npy";
  std::vector<float> values(24, 1.0f);
  const auto refused = [&](const std::string& bytes) {
    WriteTestFile(path, bytes);
    const absl::Status status = ReadKeypointFile(path).status();
    EXPECT_NE(status.message().find("a.kpts.npy"), absl::string_view::npos) << status;
    return absl::IsDataLoss(status);
  };
  EXPECT_TRUE(refused("text"));
  EXPECT_TRUE(refused(NpyFile(NpyType::kFloat32, {2, 4, 3}, values.data())));
  EXPECT_TRUE(refused(NpyFile(NpyType::kFloat32, {1, 3, 4, 2}, values.data())));
  EXPECT_TRUE(refused(NpyFile(NpyType::kFloat32, {1, 0, 4, 3}, values.data())));
  EXPECT_TRUE(refused(NpyFile(NpyType::kInt16, {1, 2, 4, 3}, values.data())));
  values[13] = std::nanf("");
  EXPECT_TRUE(refused(NpyFile(NpyType::kFloat32, {1, 2, 4, 3}, values.data())));
  ASSERT_EQ(mkfifo((folder + "/pipe.kpts.npy").c_str(), 0600), 0);  // nobody writes into it
  EXPECT_TRUE(absl::IsDataLoss(ReadKeypointFile(folder + "/pipe.kpts.npy").status()));
  EXPECT_TRUE(absl::IsNotFound(ReadKeypointFile(folder + "/none.kpts.npy").status()));
}

}  // namespace
}  // namespace slimreel
