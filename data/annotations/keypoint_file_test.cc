#include "data/annotations/keypoint_file.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <cmath>
#include <filesystem>

#include "base/test_files.h"
#include "data/shard/npy.h"

namespace slimreel {
namespace {

TEST(KeypointFileTest, LiesBesideTheVideo) {
  EXPECT_EQ(KeypointPathOf("a/b.c/clip.mp4"), "a/b.c/clip.kpts.npy");
  EXPECT_EQ(KeypointPathOf("two.dots.avi"), "two.dots.kpts.npy");
}

TEST(KeypointFileTest, TheWholeNameOfTheVideoWins) {
  const std::string folder = TestFolder("keypoints");
  EXPECT_EQ(KeypointPathOf(folder + "/clip.mp4"), folder + "/clip.kpts.npy");
  WriteTestFile(folder + "/clip.kpts.npy", "");
  WriteTestFile(folder + "/clip.mp4.kpts.npy", "");
  EXPECT_EQ(KeypointPathOf(folder + "/clip.mp4"), folder + "/clip.mp4.kpts.npy");
  EXPECT_EQ(KeypointPathOf(folder + "/clip.avi"), folder + "/clip.kpts.npy");
}

TEST(KeypointFileTest, ValuesAreReadAsWritten) {
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

TEST(KeypointFileTest, OtherArraysAreRefusedWithThePath) {
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

// The file that numpy.save writes for the shape (1, 1, 2, 3).
std::string NumPyFile(const std::string& descr, const std::string& data,
                      const std::string& order = "False") {
  std::string text =
      "{'descr': '" + descr + "', 'fortran_order': " + order + ", 'shape': (1, 1, 2, 3), }";
  text.append(117 - text.size(), ' ');
  text += "\n";
  return std::string("\x93NUMPY\x01\x00", 8) + static_cast<char>(text.size()) + '\0' + text + data;
}

template <typename T>
std::string BytesOf(const std::vector<T>& values) {
  return std::string(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
}

TEST(KeypointFileTest, DoublesAndHalvesBecomeFloats) {
  const std::string path = TestFolder("keypoints") + "/a.kpts.npy";
  WriteTestFile(path, NumPyFile("<f8", BytesOf<double>({1, 0.1, 1e-300, -2.5, 3e38, 0})));
  auto track = ReadKeypointFile(path);
  ASSERT_TRUE(track.ok()) << track.status();
  EXPECT_EQ(track->values, (std::vector<float>{1, 0.1f, 0, -2.5f, 3e38f, 0}));
  // numpy.array([1, 1/3, -65504, 6e-8, 0.00006104, 0], numpy.float16).tobytes()
  WriteTestFile(
      path, NumPyFile("<f2", BytesOf<uint16_t>({0x3c00, 0x3555, 0xfbff, 0x0001, 0x0400, 0x0000})));
  track = ReadKeypointFile(path);
  ASSERT_TRUE(track.ok()) << track.status();
  EXPECT_EQ(track->values, (std::vector<float>{1, 0.333251953125f, -65504, std::ldexp(1.0f, -24),
                                               std::ldexp(1.0f, -14), 0}));
}

TEST(KeypointFileTest, ValuesOutsideOfFloat32AndOtherTypesAreRefused) {
  const std::string path = TestFolder("keypoints") + "/a.kpts.npy";
  const auto refusal = [&path](const std::string& bytes) {
    WriteTestFile(path, bytes);
    const absl::Status status = ReadKeypointFile(path).status();
    EXPECT_TRUE(absl::IsDataLoss(status)) << status;
    return std::string(status.message());
  };
  const std::string floats = BytesOf<float>({1, 2, 3, 4, 5, 6});
  EXPECT_NE(refusal(NumPyFile("<f8", BytesOf<double>({1, 2, 3, -1e39, 0, 0})))
                .find("joint 1 of frame 0 is -inf as float32"),
            std::string::npos);
  EXPECT_NE(refusal(NumPyFile("<f2", BytesOf<uint16_t>({0x7c00, 0, 0, 0, 0, 0}))).find("is inf"),
            std::string::npos);
  EXPECT_NE(refusal(NumPyFile(">f4", floats)).find(">f4, big-endian"), std::string::npos);
  EXPECT_NE(refusal(NumPyFile("<f4", floats, "True")).find("Fortran order"), std::string::npos);
  EXPECT_NE(refusal(NumPyFile("<i4", floats)).find("type is <i4"), std::string::npos);
  EXPECT_NE(refusal(NumPyFile("<f4", floats + "x")).find("25 bytes"), std::string::npos);
}

// The header tells how much memory is needed, before any is allocated.
TEST(KeypointFileTest, AHugeFileIsRefusedByItsHeader) {
  const std::string path = TestFolder("keypoints") + "/a.kpts.npy";
  const std::string header = NpyHeader(NpyType::kFloat32, {1, 500000000, 1, 3});
  WriteTestFile(path, header);
  std::filesystem::resize_file(path, header.size() + int64_t{6000000000});  // sparse
  const absl::Status huge = ReadKeypointFile(path).status();
  EXPECT_TRUE(absl::IsOutOfRange(huge)) << huge;
  EXPECT_NE(huge.message().find("a.kpts.npy: its 6000000000 bytes"), std::string::npos) << huge;
  std::filesystem::resize_file(path, header.size() + int64_t{5999999999});
  EXPECT_TRUE(absl::IsDataLoss(ReadKeypointFile(path).status()));
  const std::vector<float> values(6, 1.0f);
  WriteTestFile(path, NpyFile(NpyType::kFloat32, {1, 1, 2, 3}, values.data()));
  EXPECT_TRUE(ReadKeypointFile(path, 24).ok());
  EXPECT_TRUE(absl::IsOutOfRange(ReadKeypointFile(path, 23).status()));
}

TEST(KeypointFileTest, ErrorsOfTheMachineAreNotTheFiles) {
  const std::string folder = TestFolder("keypoints");
  const std::vector<float> values(6, 1.0f);
  WriteTestFile(folder + "/a.kpts.npy", NpyFile(NpyType::kFloat32, {1, 1, 2, 3}, values.data()));
  rlimit before;
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit none{0, before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
  const absl::Status status = ReadKeypointFile(folder + "/a.kpts.npy").status();
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_TRUE(absl::IsResourceExhausted(status)) << status;
  EXPECT_TRUE(ReadKeypointFile(folder + "/a.kpts.npy").ok());
  // A name that is too long means that there is no file.
  EXPECT_TRUE(absl::IsNotFound(ReadKeypointFile(std::string(300, 'a') + ".kpts.npy").status()));
}

}  // namespace
}  // namespace slimreel
