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
#include "data/decode/ffmpeg_program.h"
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
  std::map<std::string, std::vector<uint8_t>> Contents(const std::string& output) const {
    std::map<std::string, std::vector<uint8_t>> contents;
    for (const auto& entry : fs::directory_iterator(root_ + "/" + output)) {
      const std::string name = entry.path().filename();
      if (name[0] == '.' || name.find("report") != std::string::npos) continue;
      contents[name] = ReadBytes(entry.path());
    }
    return contents;
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
    for (const auto& [name, bytes] : Contents("out")) {
      if (fs::path(name).extension() != ".tar") continue;
      auto shards = ShardDataset::Open(root_ + "/out", "train");
      ASSERT_TRUE(shards.ok()) << shards.status();
      for (int64_t i = 0; i < (*shards)->num_samples(); ++i) EXPECT_TRUE((*shards)->Verify(i).ok());
    }
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
  WriteBytes(root_ + "/in/left/text.mp4", std::vector<uint8_t>(3000, 'x'));
  std::vector<uint8_t> cut = ReadBytes(root_ + "/in/left/a.mp4");
  cut.resize(cut.size() / 2);
  WriteBytes(root_ + "/in/left/cut.mp4", cut);
  const auto summary = Prepare(Options("out"));
  ASSERT_TRUE(summary.ok()) << summary.status();
  EXPECT_EQ(summary->videos, (std::map<std::string, int64_t>{{"ok", 5}, {"rejected", 2}}));
  EXPECT_EQ(summary->reasons, (std::map<std::string, int64_t>{{"not_media", 2}}));
  EXPECT_EQ(Report("out")[3]["status"], "rejected");
}

TEST_F(PrepareTest, NothingUsableEndsWithExitCodeThree) {
  fs::create_directories(root_ + "/empty");
  PrepareOptions options = Options("out");
  options.inputs = {root_ + "/empty"};
  EXPECT_EQ(ExitCodeOf(Prepare(options).status()), ExitCode::kDataUnusable);
  WriteBytes(root_ + "/empty/text.mp4", std::vector<uint8_t>(3000, 'x'));
  EXPECT_EQ(ExitCodeOf(Prepare(options).status()), ExitCode::kDataUnusable);
  EXPECT_FALSE(fs::exists(root_ + "/out/dataset.json"));
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

TEST_F(PrepareTest, AnUnwritableOutputIsTheMachinesError) {
  WriteBytes(root_ + "/file", {1});
  PrepareOptions options = Options("file/below");
  const auto summary = Prepare(options);
  EXPECT_EQ(ExitCodeOf(summary.status()), ExitCode::kInternal) << summary.status();
  EXPECT_NE(summary.status().message().find("file/below"), std::string::npos);
}

}  // namespace
}  // namespace slimreel
