#include "data/pipeline/prepare.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/exit_code.h"
#include "base/test_files.h"
#include "data/decode/ffmpeg_program.h"
#include "data/shard/npy.h"
#include "data/shard/shard_reader.h"

namespace slimreel {
namespace {

namespace fs = std::filesystem;

class PrepareTest : public testing::Test {
 protected:
  void SetUp() override {
    root_ = TestFolder("prepare");
    for (const char* clip : {"left/a", "left/b", "left/c", "right/a", "right/b"}) MakeClip(clip);
  }

  void MakeClip(const std::string& name, int frames = 25) {
    const std::string path = root_ + "/in/" + name + ".mp4";
    fs::create_directories(fs::path(path).parent_path());
    RunFfmpeg("-f lavfi -i testsrc2=size=96x64:rate=25:duration=4 -frames:v " +
              std::to_string(frames) + " -vf hue=h=" + std::to_string(name[5] * 20) +
              " -c:v libx264 -bf 2 -g 8 -pix_fmt yuv420p " + path);
  }

  // Beside the clip, as a pose estimator leaves them: in pixels of 96 x 64.
  void WriteKeypoints(const std::string& name, int64_t frames = 25, float first = 1.0f) {
    std::vector<float> values;
    for (int64_t i = 0; i < 2 * frames * 17; ++i) {
      values.insert(values.end(), {first + i, 2.0f * i, 0.5f});
    }
    WriteTestFile(root_ + "/in/" + name + ".kpts.npy",
                  NpyFile(NpyType::kFloat32, {2, frames, 17, 3}, values.data()));
  }

  PrepareOptions Options(const std::string& output) const {
    PrepareOptions options;
    options.inputs = {root_ + "/in"};
    options.output = root_ + "/" + output;
    options.data.short_side = 32;
    options.data.max_video_frames = 10;
    options.data.shard_size = 100000;  // six chunks of ten frames of 48 x 32
    return options;
  }

  // Bytes of every shard, index and dataset.json, by name.
  std::map<std::string, std::string> Contents(const std::string& output) const {
    std::map<std::string, std::string> contents;
    for (const auto& entry : fs::directory_iterator(root_ + "/" + output)) {
      const std::string name = entry.path().filename();
      if (name[0] == '.' || name.find("report") != std::string::npos) continue;
      contents[name] = ReadTestFile(entry.path());
    }
    return contents;
  }

  // What anybody may find in the folder at any moment: shards that are whole, and
  // no dataset.json that promises others.
  // A process that was killed may leave files aside, which the next run removes.
  void ExpectNothingHalfWritten(const std::string& output, bool died = false) const {
    bool any = false;
    for (const auto& entry : fs::directory_iterator(root_ + "/" + output)) {
      const std::string name = entry.path().filename();
      EXPECT_TRUE(died || name.rfind(".writing-", 0) != 0) << name;
      any = any || (name[0] != '.' && entry.path().extension() == ".tar");
    }
    if (!any) return;
    auto shards = ShardDataset::Open(root_ + "/" + output, "train");
    ASSERT_TRUE(shards.ok()) << shards.status();
    for (int64_t i = 0; i < (*shards)->num_samples(); ++i) {
      EXPECT_TRUE((*shards)->Verify(i).ok()) << (*shards)->Verify(i);
    }
  }

  std::vector<nlohmann::json> Report(const std::string& output) const {
    std::vector<nlohmann::json> lines;
    std::ifstream file(root_ + "/" + output + "/prepare_report.jsonl");
    for (std::string line; std::getline(file, line);) lines.push_back(nlohmann::json::parse(line));
    return lines;
  }

  void ExpectSame(const std::string& a, const std::string& b) const {
    const auto left = Contents(a), right = Contents(b);
    ASSERT_EQ(left.size(), right.size());
    for (const auto& [name, bytes] : left) {
      EXPECT_TRUE(right.count(name) == 1 && right.at(name) == bytes) << name;
    }
  }

  std::string root_;
};

TEST_F(PrepareTest, ShardsAreTheSameForAnyNumberOfWorkersAndAnyMemory) {
  for (const int workers : {1, 2, 8}) {
    PrepareOptions options = Options("w" + std::to_string(workers));
    options.num_workers = workers;
    options.memory_bytes = workers == 2 ? 65536 : 1 << 30;  // spills and waits
    const auto summary = Prepare(options);
    ASSERT_TRUE(summary.ok()) << summary.status();
    EXPECT_EQ(summary->frames, 125);
    EXPECT_EQ(summary->samples, 15);
    EXPECT_GT(summary->shards, 1);
  }
  ExpectSame("w1", "w2");
  ExpectSame("w1", "w8");
}

TEST_F(PrepareTest, StoredFramesAreFfmpegsAndMetadataFollowsThem) {
  ASSERT_TRUE(Prepare(Options("out")).ok());
  auto shards = ShardDataset::Open(root_ + "/out", "train");
  ASSERT_TRUE(shards.ok()) << shards.status();
  std::vector<uint8_t> stored;
  for (int i = 0; i < 3; ++i) {
    const auto frames = (*shards)->Frames(i);
    ASSERT_TRUE(frames.ok());
    stored.insert(stored.end(), frames->data, frames->data + frames->bytes());
    const auto json = (*shards)->Metadata(i);
    ASSERT_TRUE(json.ok());
    EXPECT_EQ((*json)["chunk"], i);
    EXPECT_EQ((*json)["last_chunk"], i == 2);
    EXPECT_EQ((*json)["pts_us"][0], i * 400000);
    EXPECT_EQ((*json)["quality"]["score"].size(), i == 2 ? 5u : 10u);
    EXPECT_EQ((*json)["source_width"], 96);
  }
  EXPECT_TRUE(stored == FfmpegFrames(root_ + "/in/left/a.mp4", "scale=48:32:flags=bilinear"));
  EXPECT_EQ((*shards)->classes(), (std::vector<std::string>{"left", "right"}));
  EXPECT_EQ((*shards)->sample(14).label, 1);
}

TEST_F(PrepareTest, ChunksOverlapAsAsked) {
  PrepareOptions options = Options("out");
  options.data.chunk_overlap = 4;
  ASSERT_TRUE(Prepare(options).ok());
  auto shards = ShardDataset::Open(root_ + "/out", "train");
  std::vector<std::vector<int>> expected = {{0, 9}, {6, 15}, {12, 21}, {18, 24}};
  for (int i = 0; i < 4; ++i) {
    const auto json = (*shards)->Metadata(i);
    EXPECT_EQ((*json)["frame_numbers"].front(), expected[i][0]);
    EXPECT_EQ((*json)["frame_numbers"].back(), expected[i][1]);
  }
  const auto first = (*shards)->Frames(0), second = (*shards)->Frames(1);
  EXPECT_TRUE(
      std::equal(first->frame(6), first->frame(6) + 4 * first->frame_bytes(), second->frame(0)));
}

TEST_F(PrepareTest, ASecondRunDoesNothing) {
  ASSERT_TRUE(Prepare(Options("out")).ok());
  const auto before = fs::last_write_time(root_ + "/out/train-000000.tar");
  const auto summary = Prepare(Options("out"));
  ASSERT_TRUE(summary.ok()) << summary.status();
  EXPECT_EQ(summary->videos, (std::map<std::string, int64_t>{{"unchanged", 5}}));
  EXPECT_EQ(summary->samples, 15);
  EXPECT_EQ(fs::last_write_time(root_ + "/out/train-000000.tar"), before);
}

TEST_F(PrepareTest, AfterChangesOnlyWhatIsNewIsDecodedAndTheResultIsAFreshRuns) {
  ASSERT_TRUE(Prepare(Options("out")).ok());
  MakeClip("left/b", 33);  // changed
  MakeClip("down/z", 12);  // new, and a new class moves the labels
  fs::remove(root_ + "/in/right/a.mp4");
  const auto summary = Prepare(Options("out"));
  ASSERT_TRUE(summary.ok()) << summary.status();
  EXPECT_EQ(summary->videos, (std::map<std::string, int64_t>{{"ok", 2}, {"unchanged", 3}}));
  ASSERT_TRUE(Prepare(Options("fresh")).ok());
  ExpectSame("out", "fresh");
  EXPECT_FALSE(fs::exists(root_ + "/out/.previous-train"));
}

TEST_F(PrepareTest, OtherOptionsDoEverythingAgain) {
  ASSERT_TRUE(Prepare(Options("out")).ok());
  PrepareOptions options = Options("out");
  options.data.max_video_frames = 20;
  const auto summary = Prepare(options);
  ASSERT_TRUE(summary.ok()) << summary.status();
  EXPECT_EQ(summary->videos.at("ok"), 5);
  options.output = root_ + "/fresh";
  ASSERT_TRUE(Prepare(options).ok());
  ExpectSame("out", "fresh");
}

// Killed after every few published steps, in a first run and while it rewrites.
TEST_F(PrepareTest, KilledAnywhereLeavesWholeShardsAndTheNextRunGoesOn) {
  ASSERT_TRUE(Prepare(Options("fresh")).ok());
  for (int step = 1; step < 20; step += 2) {
    if (step == 11) {
      MakeClip("left/b", 33);
      fs::remove_all(root_ + "/fresh");
      ASSERT_TRUE(Prepare(Options("fresh")).ok());
    }
    const pid_t child = fork();
    if (child == 0) {
      PrepareOptions options = Options("out");
      int steps = 0;
      options.on_progress = [&](const PrepareProgress&) {
        if (++steps == step) kill(getpid(), SIGKILL);
      };
      _exit(Prepare(options).ok() ? 0 : 1);
    }
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    ASSERT_NO_FATAL_FAILURE(ExpectNothingHalfWritten("out", /*died=*/true));
  }
  const auto summary = Prepare(Options("out"));
  ASSERT_TRUE(summary.ok()) << summary.status();
  ExpectSame("out", "fresh");
}

TEST_F(PrepareTest, AnInterruptionEndsWithStoppedAndTheNextRunGoesOn) {
  std::atomic<int> chunks{0};
  PrepareOptions options = Options("out");
  options.on_progress = [&](const PrepareProgress&) { ++chunks; };
  options.interrupted = [&] { return chunks > 9; };
  EXPECT_EQ(ExitCodeOf(Prepare(options).status()), ExitCode::kStopped);
  ASSERT_TRUE(Prepare(Options("out")).ok());
  ASSERT_TRUE(Prepare(Options("fresh")).ok());
  ExpectSame("out", "fresh");
}

TEST_F(PrepareTest, DamagedFilesCostThemselvesWithAReason) {
  WriteTestFile(root_ + "/in/left/text.mp4", std::string(3000, 'x'));
  std::string cut = ReadTestFile(root_ + "/in/left/a.mp4");
  cut.resize(cut.size() / 2);
  WriteTestFile(root_ + "/in/left/cut.mp4", cut);
  const auto summary = Prepare(Options("out"));
  ASSERT_TRUE(summary.ok()) << summary.status();
  EXPECT_EQ(summary->videos, (std::map<std::string, int64_t>{{"ok", 5}, {"rejected", 2}}));
  EXPECT_EQ(summary->reasons, (std::map<std::string, int64_t>{{"not_media", 2}}));
  EXPECT_EQ(Report("out")[3]["status"], "rejected");
}

// 96 x 64 are stored as 48 x 32, 25 frames as chunks of 10, 10 and 5.
TEST_F(PrepareTest, KeypointsBesideAVideoAreScaledCutAndStored) {
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

// 96 x 64 turned by a quarter is shown as 64 x 96 and stored as 32 x 48.
TEST_F(PrepareTest, KeypointsAreThoseOfTheUprightFrame) {
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

TEST_F(PrepareTest, OtherKeypointsMakeAVideoNewAndTheRestIsTakenOverWithTheirs) {
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

// Three chunks each: none of them may have been written when the frames turn out too few.
TEST_F(PrepareTest, KeypointsThatDoNotFitRejectTheirVideoWithAReason) {
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

TEST_F(PrepareTest, WhatIsStoredIsWhatIsAskedFor) {
  WriteKeypoints("left/a");
  PrepareOptions options = Options("required");
  options.data.load_kpt = true;
  const auto required = Prepare(options);
  ASSERT_TRUE(required.ok()) << required.status();
  EXPECT_EQ(required->reasons, (std::map<std::string, int64_t>{{"no_keypoints", 4}}));
  options = Options("frames");
  options.data.load_kpt = false;
  WriteTestFile(root_ + "/in/left/b.kpts.npy", "not even looked at");
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
  options.data.load_kpt = false;  // then nothing would be left
  EXPECT_TRUE(absl::IsInvalidArgument(Prepare(options).status()));
}

TEST_F(PrepareTest, NothingUsableEndsWithExitCodeThree) {
  fs::create_directories(root_ + "/empty");
  PrepareOptions options = Options("out");
  options.inputs = {root_ + "/empty"};
  EXPECT_EQ(ExitCodeOf(Prepare(options).status()), ExitCode::kDataUnusable);
  WriteTestFile(root_ + "/empty/text.mp4", std::string(3000, 'x'));
  const absl::Status status = Prepare(options).status();
  EXPECT_EQ(ExitCodeOf(status), ExitCode::kDataUnusable);
  EXPECT_EQ(std::string(status.message()),
            "none of 1 videos gave a sample: " + root_ + "/empty/text.mp4: not_media. " +
                "All reasons are in " + root_ + "/out/prepare_report.jsonl");
  EXPECT_FALSE(fs::exists(root_ + "/out/dataset.json"));
}

TEST_F(PrepareTest, OfManyUnusableVideosTheFirstReasonsAreNamed) {
  for (const char* name : {"a", "b", "c", "d", "e"}) {
    WriteTestFile(root_ + "/bad/" + name + ".mp4", std::string(3000, 'x'));
  }
  PrepareOptions options = Options("out");
  options.inputs = {root_ + "/bad"};
  const std::string message(Prepare(options).status().message());
  EXPECT_NE(message.find("c.mp4: not_media; and 2 more. All reasons"), std::string::npos)
      << message;
  EXPECT_EQ(message.find("d.mp4"), std::string::npos);
}

TEST_F(PrepareTest, LowQualityFramesAreLeftOut) {
  RunFfmpeg("-f lavfi -i color=black:size=96x64:rate=25:duration=1 -c:v libx264 " + root_ +
            "/in/left/black.mp4");
  PrepareOptions options = Options("out");
  options.data.quality_threshold = 0.3;
  const auto summary = Prepare(options);
  ASSERT_TRUE(summary.ok()) << summary.status();
  EXPECT_EQ(summary->reasons, (std::map<std::string, int64_t>{{"quality", 1}}));
  EXPECT_EQ(summary->frames, 125);
}

TEST_F(PrepareTest, SplitsShareAFolderAndItsClasses) {
  ASSERT_TRUE(Prepare(Options("out")).ok());
  PrepareOptions options = Options("out");
  options.split = "val";
  fs::create_directories(root_ + "/val/right");
  fs::copy(root_ + "/in/right/a.mp4", root_ + "/val/right/a.mp4");
  options.inputs = {root_ + "/val"};
  ASSERT_TRUE(Prepare(options).ok());
  auto val = ShardDataset::Open(root_ + "/out", "val");
  ASSERT_TRUE(val.ok()) << val.status();
  EXPECT_EQ((*val)->sample(0).label, 1);
  EXPECT_EQ((*val)->info().splits.size(), 2u);
  fs::rename(root_ + "/val/right", root_ + "/val/up");
  EXPECT_EQ(ExitCodeOf(Prepare(options).status()), ExitCode::kUsage);
}

TEST_F(PrepareTest, PartsAgreeOnClassesAndTogetherHoldEverything) {
  for (const int part : {1, 2}) {
    PrepareOptions options = Options("out");
    options.part = part;
    options.num_parts = 2;
    ASSERT_TRUE(Prepare(options).ok());
  }
  EXPECT_TRUE(fs::exists(root_ + "/out/train-p01of02-000000.tar"));
  EXPECT_TRUE(fs::exists(root_ + "/out/dataset-p02of02.json"));
  EXPECT_TRUE(fs::exists(root_ + "/out/prepare_report-p02of02.jsonl"));
  auto shards = ShardDataset::Open(root_ + "/out", "train");
  ASSERT_TRUE(shards.ok()) << shards.status();
  EXPECT_EQ((*shards)->num_samples(), 15);
  EXPECT_EQ((*shards)->classes().size(), 2u);
}

// A folder "disk" in the root that can be full.
class PrepareOnAFullDiskTest : public PrepareTest {
 protected:
  void SetUp() override {
    PrepareTest::SetUp();
    disk_ = SmallDisk::Mount(root_ + "/disk", 8 << 20);
    if (disk_ == nullptr) GTEST_SKIP() << "a small tmpfs cannot be mounted here";
  }

  int64_t BytesOf(const std::string& output) const {
    int64_t total = 0;
    for (const auto& [name, bytes] : Contents(output)) total += bytes.size();
    return total;
  }

  // A run that finds `free_bytes` left of the disk, and one after space was freed.
  void FailThenFinish(const PrepareOptions& options, int64_t free_bytes) const {
    SCOPED_TRACE(std::to_string(free_bytes) + " bytes free");
    fs::create_directories(options.output);
    disk_->FillUpTo(free_bytes);
    const absl::Status full = Prepare(options).status();
    disk_->Free();
    EXPECT_EQ(full.code(), absl::StatusCode::kResourceExhausted) << full;
    EXPECT_EQ(ExitCodeOf(full), ExitCode::kInternal);
    EXPECT_NE(full.message().find("No space left on device"), std::string::npos) << full;
    EXPECT_NE(full.message().find(options.output), std::string::npos) << full;
    const std::string output = fs::relative(options.output, root_);
    EXPECT_EQ(Contents(output).count("dataset.json"), 0u);
    ExpectNothingHalfWritten(output);
    const auto again = Prepare(options);
    EXPECT_TRUE(again.ok()) << again.status();
  }

  std::unique_ptr<SmallDisk> disk_;
};

TEST_F(PrepareOnAFullDiskTest, AFirstRunLeavesWholeShardsAndTheNextGivesTheSameBytes) {
  ASSERT_TRUE(Prepare(Options("fresh")).ok());
  const int64_t total = BytesOf("fresh");
  for (const int64_t free_bytes : {int64_t{0}, int64_t{16384}, total / 3, total - 30000}) {
    FailThenFinish(Options("disk/out"), free_bytes);
    ExpectSame("disk/out", "fresh");
    fs::remove_all(root_ + "/disk/out");
  }
}

TEST_F(PrepareOnAFullDiskTest, SoDoesARunThatRewritesAnOlderOne) {
  ASSERT_TRUE(Prepare(Options("disk/out")).ok());
  MakeClip("left/b", 33);
  ASSERT_TRUE(Prepare(Options("fresh")).ok());
  FailThenFinish(Options("disk/out"), BytesOf("fresh") / 4);
  ExpectSame("disk/out", "fresh");
}

TEST_F(PrepareOnAFullDiskTest, SoDoParts) {
  for (const int part : {1, 2}) {
    PrepareOptions options = Options("fresh");
    options.part = part;
    options.num_parts = 2;
    ASSERT_TRUE(Prepare(options).ok());
    options.output = root_ + "/disk/out";
    FailThenFinish(options, 150000);
  }
  ExpectSame("disk/out", "fresh");
}

TEST_F(PrepareTest, AnUnwritableOutputIsTheMachinesError) {
  WriteTestFile(root_ + "/file", "x");
  PrepareOptions options = Options("file/below");
  const auto summary = Prepare(options);
  EXPECT_EQ(ExitCodeOf(summary.status()), ExitCode::kInternal) << summary.status();
  EXPECT_NE(summary.status().message().find("file/below"), std::string::npos);
}

}  // namespace
}  // namespace slimreel
