#include "data/shard/split_check.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "base/exit_code.h"
#include "base/test_files.h"
#include "data/shard/part_inputs.h"
#include "data/shard/shard_reader.h"
#include "data/shard/testing/sample_shards.h"

namespace slimreel {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kShardBytes = 8192;  // two or three test samples

// Tests through ShardDataset::Open, as readers use it.
class SplitCheckTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = TestFolder("shards");
    ASSERT_TRUE(WriteTestShards(folder_, 9, kShardBytes).ok());
    info_.classes = {"a", "b", "c"};
    info_.splits["train"] = CountTestShards(folder_);
    ASSERT_GT(info_.splits["train"].shards, 2);
  }

  void List() const { ASSERT_TRUE(WriteDatasetInfo(folder_, info_).ok()); }
  absl::Status Open() const { return ShardDataset::Open(folder_, "train").status(); }
  void ExpectOpens() const { EXPECT_TRUE(Open().ok()) << Open(); }
  void ExpectUnusable(absl::StatusCode code, const std::string& words) const {
    const absl::Status status = Open();
    EXPECT_EQ(status.code(), code) << status;
    EXPECT_EQ(ExitCodeOf(status), ExitCode::kDataUnusable) << status;
    EXPECT_NE(status.message().find(folder_), absl::string_view::npos) << status;
    EXPECT_NE(status.message().find(words), absl::string_view::npos) << status;
  }
  void ExpectUnfinished() const {
    ExpectUnusable(absl::StatusCode::kUnavailable, "split train is not completely prepared");
    ExpectUnusable(absl::StatusCode::kUnavailable,
                   "run prepare again with the same input to go on");
  }

  std::string folder_;
  DatasetInfo info_;
};

TEST_F(SplitCheckTest, ACompleteListedSplitOpens) {
  List();
  ExpectOpens();
}

TEST_F(SplitCheckTest, ASplitThatIsBeingPreparedIsRefused) {
  info_.splits.clear();
  info_.unfinished = {"train"};
  List();
  ExpectUnfinished();
}

TEST_F(SplitCheckTest, ASplitThatIsNotListedWhileOthersAreIsRefused) {
  info_.splits = {{"val", {1, 1, 1, 7, 512}}};
  List();
  ExpectUnfinished();
}

TEST_F(SplitCheckTest, AMissingAddedOrReplacedShardIsDamage) {
  List();
  fs::copy(folder_ + "/train-000000.tar", folder_ + "/train-000009.tar");
  ExpectUnusable(absl::StatusCode::kDataLoss, "were added, lost or replaced");
  fs::remove(folder_ + "/train-000009.tar");
  ExpectOpens();
  fs::rename(folder_ + "/train-000001.tar", folder_ + "/aside");
  ExpectUnusable(absl::StatusCode::kDataLoss, "were added, lost or replaced");
  fs::copy(folder_ + "/train-000000.tar", folder_ + "/train-000001.tar");
  fs::remove(folder_ + "/train-000001.idx");
  ExpectUnusable(absl::StatusCode::kDataLoss, "were added, lost or replaced");
}

TEST_F(SplitCheckTest, ShardsWithoutDatasetJsonAreRead) { ExpectOpens(); }

// A killed preparation of format 1 left its log and no dataset.json.
TEST_F(SplitCheckTest, ALogWithoutDatasetJsonMeansUnfinished) {
  WriteTestFile(folder_ + "/.prepare-val.jsonl", "");
  ExpectOpens();
  WriteTestFile(folder_ + "/.prepare-train.jsonl", "{\"fingerprint\":\"f\"}\n");
  ExpectUnfinished();
}

TEST_F(SplitCheckTest, ALabelWithoutAClassIsDamage) {
  info_.classes = {"a", "b"};  // labels are 0 to 2
  List();
  ExpectUnusable(absl::StatusCode::kDataLoss, "its label is 2, but there are 2 classes");
  info_.classes.clear();  // no class names
  List();
  ExpectOpens();
}

class PartsCheckTest : public SplitCheckTest {
 protected:
  void SetUp() override {
    folder_ = TestFolder("parts");
    for (const int part : {1, 2}) ASSERT_TRUE(WriteTestPart(folder_, part, 2, names_).ok());
  }
  const std::vector<std::string> names_ = {"a.mp4", "b.mp4", "c.mp4", "d.mp4", "e.mp4"};
};

TEST_F(PartsCheckTest, PartsAreReadTogetherWithoutBeingJoined) {
  const auto shards = ShardDataset::Open(folder_, "train");
  ASSERT_TRUE(shards.ok()) << shards.status();
  EXPECT_EQ((*shards)->num_samples(), 5);
}

TEST_F(PartsCheckTest, APartThatIsMissingOrUnfinishedIsRefused) {
  DatasetInfo info = *ReadDatasetInfoFile(folder_ + "/dataset-p02of02.json");
  fs::remove(folder_ + "/dataset-p02of02.json");
  ExpectUnfinished();
  info.splits.clear();
  info.unfinished = {"train"};
  ASSERT_TRUE(WriteDatasetInfo(folder_, info, 2, 2).ok());
  ExpectUnfinished();
}

TEST_F(PartsCheckTest, PartsOfDifferentInputsAreRefusedWithTheMissingVideos) {
  auto more = names_;
  std::string added = "0.mp4";
  while (PartOf(added, 2) != 1) added = "0" + added;
  more.push_back(added);
  ASSERT_TRUE(WriteTestPart(folder_, 2, 2, more).ok());
  ExpectUnusable(absl::StatusCode::kFailedPrecondition, "missing: " + added);
  ASSERT_TRUE(WriteTestPart(folder_, 1, 2, more).ok());
  ExpectOpens();
}

}  // namespace
}  // namespace slimreel
