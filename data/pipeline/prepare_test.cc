#include "data/pipeline/prepare.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "base/exit_code.h"
#include "base/test_files.h"
#include "data/decode/ffmpeg_program.h"
#include "data/pipeline/testing/prepare_fixture.h"
#include "data/shard/shard_reader.h"

namespace slimreel {
namespace {

namespace fs = std::filesystem;

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

TEST_F(PrepareTest, StoredFramesAreThoseOfFfmpegAndMetadataDescribesThem) {
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

TEST_F(PrepareTest, DamagedFilesAreRejectedWithAReason) {
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

TEST_F(PrepareTest, TheReportSaysThatAFileIsCutOff) {
  for (const std::string name : {"mkv.mkv", "mp4.mp4"}) {
    const std::string path = root_ + "/in/left/" + name;
    RunFfmpeg("-i " + root_ + "/in/left/a.mp4 -c copy " +
              (name == "mp4.mp4" ? "-movflags +faststart " : "") + path);
    const std::string whole = ReadTestFile(path);
    WriteTestFile(path, whole.substr(0, whole.size() * 3 / 4));
  }
  const auto summary = Prepare(Options("out"));
  ASSERT_TRUE(summary.ok()) << summary.status();
  EXPECT_EQ(summary->reasons, (std::map<std::string, int64_t>{{"truncated", 2}}));
  for (const int line : {3, 4}) {
    const nlohmann::json report = Report("out")[line];
    EXPECT_EQ(report["status"], "partial");
    const std::string message = report["message"];
    EXPECT_EQ(message.find("the file is cut off"), 0u) << message;
    EXPECT_EQ(message.find(" 0 "), std::string::npos) << message;
  }
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

TEST_F(PrepareTest, TheErrorNamesTheFirstOfManyUnusableVideos) {
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

TEST_F(PrepareTest, SamplesWithoutALabelAreCounted) {
  PrepareOptions options = Options("out");
  options.inputs = {root_ + "/in/left", root_ + "/in/right"};  // no class folder inside
  auto summary = Prepare(options);
  ASSERT_TRUE(summary.ok()) << summary.status();
  EXPECT_TRUE(summary->classes.empty());
  EXPECT_EQ(summary->unlabelled_videos, 5);
  EXPECT_EQ(summary->unlabelled_samples, 15);
  fs::rename(root_ + "/in/left/b.mp4", root_ + "/in/b.mp4");
  options.inputs = {root_ + "/in"};
  summary = Prepare(options);
  ASSERT_TRUE(summary.ok()) << summary.status();
  EXPECT_EQ(summary->unlabelled_videos, 1);
  EXPECT_EQ(summary->unlabelled_samples, 3);
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

TEST_F(PrepareTest, AnUnwritableOutputIsAMachineError) {
  WriteTestFile(root_ + "/file", "x");
  PrepareOptions options = Options("file/below");
  const auto summary = Prepare(options);
  EXPECT_EQ(ExitCodeOf(summary.status()), ExitCode::kInternal) << summary.status();
  EXPECT_NE(summary.status().message().find("file/below"), std::string::npos);
}

}  // namespace
}  // namespace slimreel
