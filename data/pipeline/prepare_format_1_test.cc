// Preparing into a folder of the previous format (data/shard/testdata/format_1/README.md).
#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "base/exit_code.h"
#include "base/test_files.h"
#include "data/pipeline/prepare.h"
#include "data/shard/shard_reader.h"

namespace slimreel {
namespace {

namespace fs = std::filesystem;
using Counts = std::map<std::string, int64_t>;

// The test's folder holds the original videos in in/, and the shards in shards/.
class PrepareFormat1Test : public testing::Test {
 protected:
  void SetUp() override {
    const std::string root = TestFolder("root");
    const fs::path fixture = "data/shard/testdata/format_1";
    for (const auto& entry : fs::recursive_directory_iterator(fixture)) {
      if (!entry.is_regular_file()) continue;
      const std::string name = entry.path().lexically_relative(fixture).string();
      WriteTestFile(root + (name.starts_with("in/") ? "/" : "/shards/") + name,
                    ReadTestFile(entry.path()));
    }
    before_ = fs::current_path();
    fs::current_path(root);  // the shards name their sources in/left/a.mp4
  }
  void TearDown() override { fs::current_path(before_); }

  static PrepareOptions Options() {
    PrepareOptions options;
    options.inputs = {"in"};
    options.output = "shards";
    options.data.short_side = 16;
    options.data.max_video_frames = 4;
    options.data.min_chunk_frames = 1;
    return options;
  }
  // All pixels, one sample after another.
  static std::vector<uint8_t> Pixels() {
    std::vector<uint8_t> pixels;
    const auto shards = ShardDataset::Open("shards", "train");
    EXPECT_TRUE(shards.ok()) << shards.status();
    for (int64_t i = 0; shards.ok() && i < (*shards)->num_samples(); ++i) {
      const auto frames = (*shards)->Frames(i);
      EXPECT_TRUE(frames.ok()) << frames.status();
      pixels.insert(pixels.end(), frames->data, frames->data + frames->bytes());
    }
    return pixels;
  }

  fs::path before_;
};

TEST_F(PrepareFormat1Test, AllVideosAreDecodedAgainWithAWarning) {
  const std::vector<uint8_t> old_pixels = Pixels();
  ASSERT_EQ(old_pixels.size(), 12u * 21 * 16 * 3);
  fs::create_directory("shards/.previous-train");
  const auto summary = Prepare(Options());
  ASSERT_TRUE(summary.ok()) << summary.status();
  EXPECT_EQ(summary->videos, (Counts{{"ok", 2}}));
  EXPECT_EQ(summary->samples, 4);
  ASSERT_EQ(summary->warnings.size(), 1u);
  EXPECT_NE(summary->warnings[0].find("prepared by an earlier version"), std::string::npos);
  EXPECT_NE(summary->warnings[0].find("decoded again"), std::string::npos);
  EXPECT_EQ(Pixels(), old_pixels);
  EXPECT_EQ((*ShardDataset::Open("shards", "train"))->info().format_version, 2);
  EXPECT_FALSE(fs::exists("shards/.previous-train"));
  // The new shards store their origins.
  const auto again = Prepare(Options());
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->videos, (Counts{{"unchanged", 2}}));
  EXPECT_TRUE(again->warnings.empty());
}

TEST_F(PrepareFormat1Test, AfterAStopTheOldShardsAreStillReadable) {
  const std::string old_tar = ReadTestFile("shards/train-000000.tar");
  PrepareOptions options = Options();
  std::atomic<int> calls{0};
  options.on_progress = [&](const PrepareProgress&) { ++calls; };
  options.interrupted = [&] { return calls > 2; };
  EXPECT_EQ(ExitCodeOf(Prepare(options).status()), ExitCode::kStopped);
  EXPECT_EQ(ReadTestFile("shards/train-000000.tar"), old_tar);
  EXPECT_EQ(Pixels().size(), 12u * 21 * 16 * 3);
}

TEST_F(PrepareFormat1Test, AnotherSplitIsRefusedBecauseFormat1RecordsFewerOptions) {
  PrepareOptions options = Options();
  options.split = "val";
  const absl::Status status = Prepare(options).status();
  EXPECT_EQ(ExitCodeOf(status), ExitCode::kUsage) << status;
  EXPECT_NE(status.message().find("its split train was prepared with other options"),
            absl::string_view::npos)
      << status;
}

}  // namespace
}  // namespace slimreel
