#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "base/exit_code.h"
#include "base/test_files.h"
#include "data/decode/ffmpeg_program.h"
#include "data/pipeline/prepare.h"
#include "data/pipeline/testing/prepare_fixture.h"
#include "data/shard/npy.h"
#include "data/shard/shard_reader.h"

namespace slimreel {
namespace {

namespace fs = std::filesystem;

using PrepareKeypointsTest = PrepareTest;

// Frames of 96 x 64 are stored as 48 x 32, and 25 frames as chunks of 10, 10 and 5.
TEST_F(PrepareKeypointsTest, KeypointsBesideAVideoAreScaledCutAndStored) {
  WriteKeypoints("left/a");
  const auto summary = Prepare(Options("out"));
  ASSERT_TRUE(summary.ok()) << summary.status();
  EXPECT_TRUE(summary->warnings.empty()) << summary->warnings[0];
  auto shards = ShardDataset::Open(root_ + "/out", "train");
  ASSERT_TRUE(shards.ok()) << shards.status();
  EXPECT_EQ((*shards)->info().splits.at("train").keypoint_videos, 1);
  for (int64_t sample = 0; sample < 15; ++sample) {
    EXPECT_EQ((*shards)->Has(sample, MemberKind::kKeypoints), sample < 3);
    EXPECT_TRUE((*shards)->Verify(sample).ok());
  }
  for (int64_t chunk = 0; chunk < 3; ++chunk) {
    const auto view = (*shards)->Keypoints(chunk);
    ASSERT_TRUE(view.ok()) << view.status();
    ASSERT_EQ(view->frames, chunk == 2 ? 5 : 10);
    for (int64_t person = 0; person < 2; ++person) {
      for (int64_t t = 0; t < view->frames; ++t) {
        for (int64_t v = 0; v < 17; ++v) {
          const float number = ((person * 25 + chunk * 10 + t) * 17 + v);
          EXPECT_EQ(view->joint(person, t, v)[0], (1 + number) / 2);
          EXPECT_EQ(view->joint(person, t, v)[1], number);
          EXPECT_EQ(view->joint(person, t, v)[2], 0.5f);
        }
      }
    }
    EXPECT_EQ((*(*shards)->Metadata(chunk))["keypoints"],
              (nlohmann::json{{"persons", 2}, {"joints", 17}}));
  }
}

// A video of 96 x 64, rotated by 90 degrees, is shown as 64 x 96 and stored as 32 x 48.
TEST_F(PrepareKeypointsTest, KeypointsBelongToTheUprightFrame) {
  const std::string turned = root_ + "/turned/a.mov";
  fs::create_directories(root_ + "/turned");
  RunFfmpeg("-i " + root_ + "/in/left/a.mp4 -c copy -metadata:s:v rotate=90 " + turned);
  const std::vector<float> values(25 * 17 * 3, 60.0f);
  WriteTestFile(root_ + "/turned/a.kpts.npy",
                NpyFile(NpyType::kFloat32, {1, 25, 17, 3}, values.data()));
  PrepareOptions options = Options("out");
  options.inputs = {root_ + "/turned"};
  ASSERT_TRUE(Prepare(options).ok());
  auto shards = ShardDataset::Open(options.output, "train");
  ASSERT_TRUE(shards.ok()) << shards.status();
  EXPECT_EQ((*shards)->sample(0).height, 48);
  EXPECT_EQ((*shards)->Keypoints(0)->joint(0, 0, 0)[0], 30);
  EXPECT_EQ((*shards)->Keypoints(0)->joint(0, 0, 0)[1], 30);
}

// The frame size changes from 160 x 120 to 320 x 240 in the middle. A joint in the lower right
// corner of each frame stays in that corner of the stored frame.
TEST_F(PrepareKeypointsTest, EachFramesKeypointsAreScaledFromItsOwnSize) {
  fs::create_directories(root_ + "/turning");
  std::string whole;
  for (const std::string size : {"160x120", "320x240"}) {
    const std::string piece = root_ + "/" + size + ".ts";
    RunFfmpeg("-f lavfi -i testsrc2=size=" + size + ":rate=25 -frames:v 6 -c:v libx264 -bf 0 " +
              piece);
    whole += ReadTestFile(piece);
  }
  WriteTestFile(root_ + "/turning/a.ts", whole);
  std::vector<float> values;
  for (int frame = 0; frame < 12; ++frame) {
    const float width = frame < 6 ? 160.0f : 320.0f;
    values.insert(values.end(), {width, width * 0.75f, 1.0f});
  }
  WriteTestFile(root_ + "/turning/a.kpts.npy",
                NpyFile(NpyType::kFloat32, {1, 12, 1, 3}, values.data()));
  PrepareOptions options = Options("out");
  options.inputs = {root_ + "/turning"};
  options.data.max_video_frames = 12;
  const auto summary = Prepare(options);
  ASSERT_TRUE(summary.ok()) << summary.status();
  auto shards = ShardDataset::Open(options.output, "train");
  ASSERT_TRUE(shards.ok()) << shards.status();
  const SampleInfo stored = (*shards)->sample(0);
  const auto keypoints = (*shards)->Keypoints(0);
  ASSERT_TRUE(keypoints.ok()) << keypoints.status();
  ASSERT_EQ(keypoints->frames, 12);
  for (int frame = 0; frame < 12; ++frame) {
    EXPECT_EQ(keypoints->joint(0, frame, 0)[0], stored.width) << frame;
    EXPECT_EQ(keypoints->joint(0, frame, 0)[1], stored.height) << frame;
  }
}

// Without room for a waiting chunk, a first pass counts the frames and a second one decodes again.
TEST_F(PrepareKeypointsTest, AVideoDecodedTwiceForLackOfRoomGivesTheSameBytes) {
  WriteKeypoints("left/a");
  WriteKeypoints("left/b", 26);  // does not fit: rejected without a sample
  ASSERT_TRUE(Prepare(Options("out")).ok());
  PrepareOptions options = Options("tight");
  options.memory_bytes = 8192;
  const auto summary = Prepare(options);
  ASSERT_TRUE(summary.ok()) << summary.status();
  EXPECT_EQ(summary->reasons, (std::map<std::string, int64_t>{{"keypoint_frames", 1}}));
  ExpectSame("out", "tight");
}

TEST_F(PrepareKeypointsTest, OnlyVideosWithOtherKeypointsAreDecodedAgain) {
  WriteKeypoints("left/a");
  WriteKeypoints("right/a");
  ASSERT_TRUE(Prepare(Options("out")).ok());
  WriteKeypoints("left/a", 25, 9.0f);
  WriteKeypoints("left/b");
  const auto summary = Prepare(Options("out"));
  ASSERT_TRUE(summary.ok()) << summary.status();
  EXPECT_EQ(summary->videos, (std::map<std::string, int64_t>{{"ok", 2}, {"unchanged", 3}}));
  ASSERT_TRUE(Prepare(Options("fresh")).ok());
  ExpectSame("out", "fresh");
}

// Three chunks each: none of them may be written before the number of frames is known.
TEST_F(PrepareKeypointsTest, KeypointsThatDoNotFitRejectTheirVideoWithAReason) {
  WriteKeypoints("left/a", 24);
  WriteKeypoints("left/b", 26);
  WriteTestFile(root_ + "/in/right/a.kpts.npy", "no array");
  const auto summary = Prepare(Options("out"));
  ASSERT_TRUE(summary.ok()) << summary.status();
  EXPECT_EQ(summary->videos, (std::map<std::string, int64_t>{{"ok", 2}, {"rejected", 3}}));
  EXPECT_EQ(summary->reasons,
            (std::map<std::string, int64_t>{{"keypoint_frames", 2}, {"bad_keypoints", 1}}));
  EXPECT_EQ(summary->samples, 6);
  EXPECT_EQ(Report("out")[0]["message"], "keypoints of 24 frames, but 25 were decoded");
}

TEST_F(PrepareKeypointsTest, OptionsDecideWhetherFramesAndKeypointsAreStored) {
  WriteKeypoints("left/a");
  PrepareOptions options = Options("required");
  options.data.load_kpt = true;
  const auto required = Prepare(options);
  ASSERT_TRUE(required.ok()) << required.status();
  EXPECT_EQ(required->reasons, (std::map<std::string, int64_t>{{"no_keypoints", 4}}));
  options = Options("frames");
  options.data.load_kpt = false;
  WriteTestFile(root_ + "/in/left/b.kpts.npy", "never read");
  ASSERT_TRUE(Prepare(options).ok());
  auto frames = ShardDataset::Open(options.output, "train");
  ASSERT_TRUE(frames.ok()) << frames.status();
  EXPECT_EQ((*frames)->num_samples(), 15);
  EXPECT_FALSE((*frames)->Has(0, MemberKind::kKeypoints));
  options = Options("keypoints");
  options.data.load_rgb = false;
  ASSERT_TRUE(Prepare(options).ok());
  auto keypoints = ShardDataset::Open(options.output, "train");
  ASSERT_TRUE(keypoints.ok()) << keypoints.status();
  ASSERT_EQ((*keypoints)->num_samples(), 3);
  EXPECT_FALSE((*keypoints)->Has(0, MemberKind::kFrames));
  EXPECT_EQ((*keypoints)->sample(0).num_frames, 10);
  EXPECT_EQ((*keypoints)->sample(0).width, 48);
  EXPECT_EQ((*keypoints)->Keypoints(2)->frames, 5);
  options.data.load_kpt = false;  // samples would be empty
  EXPECT_TRUE(absl::IsInvalidArgument(Prepare(options).status()));
}

}  // namespace
}  // namespace slimreel
