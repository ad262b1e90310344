#include "data/shard/join_parts.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "base/file_lock.h"
#include "base/test_files.h"
#include "data/shard/dataset_info.h"
#include "data/shard/part_inputs.h"
#include "data/shard/shard_reader.h"
#include "data/shard/testing/sample_shards.h"

namespace slimreel {
namespace {

namespace fs = std::filesystem;
using Names = std::vector<std::string>;

const Names kNames = {"a.mp4", "b.mp4", "c.mp4", "d.mp4", "e.mp4", "f.mp4", "g.mp4"};
const Names kClasses = {"a", "b", "c"};

void ExpectRefused(const absl::Status& status, const std::string& words) {
  EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
  EXPECT_NE(status.message().find(words), absl::string_view::npos) << status;
}

TEST(JoinPartsTest, CountsAreSummedAndReportsConcatenated) {
  const std::string folder = TestFolder("join");
  ASSERT_TRUE(WriteTestPart(folder, 2, 2, kNames).ok());
  ExpectRefused(JoinParts(folder).status(), "no part 1");
  ASSERT_TRUE(WriteTestPart(folder, 1, 2, kNames).ok());
  WriteTestFile(folder + "/prepare_report-p01of02.jsonl", "a\nc\ne\n");
  WriteTestFile(folder + "/prepare_report-p02of02.jsonl", "b\nd\n");
  DatasetInfo earlier;  // a split that was prepared in one piece
  earlier.classes = kClasses;
  earlier.splits = {{"val", {1, 1, 1, 7, 512}}, {"train", {9, 9, 9, 9, 9}}};
  ASSERT_TRUE(WriteDatasetInfo(folder, earlier).ok());
  const auto joined = JoinParts(folder);
  ASSERT_TRUE(joined.ok()) << joined.status();
  EXPECT_EQ(joined->num_parts, 2);
  EXPECT_EQ(ReadTestFile(folder + "/prepare_report.jsonl"), "a\nc\ne\nb\nd\n");
  const auto whole = ReadDatasetInfoFile(folder + "/dataset.json");
  ASSERT_TRUE(whole.ok()) << whole.status();
  SplitCounts all = CountTestShards(folder);
  all.videos = 7;
  EXPECT_EQ(whole->splits.at("train"), all);
  EXPECT_EQ(whole->splits.at("val"), (SplitCounts{1, 1, 1, 7, 512}));
  ASSERT_TRUE(JoinParts(folder).ok());  // joining again gives the same
  EXPECT_EQ(ReadDatasetInfoFile(folder + "/dataset.json")->splits, whole->splits);
  EXPECT_EQ((*ShardDataset::Open(folder, "train"))->num_samples(), 7);
}

TEST(JoinPartsTest, AnUnfinishedPartIsRefusedAndNothingIsWritten) {
  const std::string folder = TestFolder("join");
  for (const int part : {1, 2}) ASSERT_TRUE(WriteTestPart(folder, part, 2, kNames).ok());
  DatasetInfo info = *ReadDatasetInfoFile(folder + "/dataset-p02of02.json");
  info.splits.clear();
  info.unfinished = {"train"};
  ASSERT_TRUE(WriteDatasetInfo(folder, info, 2, 2).ok());
  ExpectRefused(JoinParts(folder).status(), "not all parts of train");
  EXPECT_FALSE(fs::exists(folder + "/dataset.json"));
}

// A file that sorts first was added between the preparations of part 1 and part 2.
TEST(JoinPartsTest, PartsOfDifferentInputsAreRefusedWithTheMissingVideos) {
  const std::string folder = TestFolder("join");
  for (const int part : {1, 2}) {
    SCOPED_TRACE(part);
    std::string added = "0.mp4";  // of this part
    while (PartOf(added, 2) != part) added = "0" + added;
    Names more = kNames;
    more.insert(more.begin(), added);
    ASSERT_TRUE(WriteTestPart(folder, part, 2, kNames).ok());
    ASSERT_TRUE(WriteTestPart(folder, 3 - part, 2, more).ok());
    ExpectRefused(JoinParts(folder).status(), "missing: " + added);
    EXPECT_FALSE(fs::exists(folder + "/dataset.json"));
  }
  for (const int part : {1, 2}) ASSERT_TRUE(WriteTestPart(folder, part, 2, kNames).ok());
  EXPECT_TRUE(JoinParts(folder).ok());
}

TEST(JoinPartsTest, PartsWithDifferentClassesAreRefusedWithTheirNames) {
  const std::string folder = TestFolder("join");
  ASSERT_TRUE(WriteTestPart(folder, 1, 2, kNames).ok());
  ASSERT_TRUE(WriteTestPart(folder, 2, 2, kNames, {"a", "b", "up"}).ok());
  const absl::Status status = JoinParts(folder).status();
  EXPECT_TRUE(absl::IsDataLoss(status)) << status;
  EXPECT_NE(status.message().find("up only here; c only there"), absl::string_view::npos) << status;
}

TEST(JoinPartsTest, TwoDivisionsAreRefused) {
  const std::string folder = TestFolder("join");
  ASSERT_TRUE(WriteTestPart(folder, 1, 1, kNames).ok());
  ASSERT_TRUE(WriteTestPart(folder, 1, 2, kNames).ok());
  ExpectRefused(JoinParts(folder).status(), "parts; remove those of one division");
}

TEST(JoinPartsTest, PartsOfFormat1HaveNoListsAndAreJoined) {
  const std::string folder = TestFolder("join");
  for (const int part : {1, 2}) {
    ASSERT_TRUE(WriteTestPart(folder, part, 2, kNames).ok());
    const std::string path = folder + "/" + DatasetInfoFileName(part, 2);
    auto json = nlohmann::json::parse(ReadTestFile(path));
    json["format_version"] = 1;
    json.erase("unfinished");
    WriteTestFile(path, json.dump());
    fs::remove(folder + "/" + PartInputsFileName("train", part, 2));
  }
  EXPECT_EQ((*ShardDataset::Open(folder, "train"))->num_samples(), 7);
  const auto joined = JoinParts(folder);
  EXPECT_TRUE(joined.ok()) << joined.status();
}

TEST(JoinPartsTest, WaitsForAnotherWriterAndLosesNothing) {
  const std::string folder = TestFolder("join");
  ASSERT_TRUE(WriteTestPart(folder, 1, 1, kNames).ok());
  DatasetInfo info;
  auto holder = FileLock::Try(DatasetInfoLockPath(folder));
  ASSERT_TRUE(holder.ok() && *holder != nullptr) << holder.status();
  EXPECT_TRUE(absl::IsCancelled(JoinParts(folder, [] { return true; }).status()));
  EXPECT_FALSE(std::filesystem::exists(folder + "/dataset.json"));
  info.classes = kClasses;
  info.splits = {{"val", {1, 1, 1, 7, 512}}};
  const auto joined = JoinParts(folder, [&] {  // asked while it waits
    EXPECT_TRUE(WriteDatasetInfo(folder, info).ok());
    holder->reset();
    return false;
  });
  ASSERT_TRUE(joined.ok()) << joined.status();
  EXPECT_EQ(ReadDatasetInfo(folder)->splits.count("train"), 1u);
  EXPECT_EQ(ReadDatasetInfo(folder)->splits.count("val"), 1u);
}

}  // namespace
}  // namespace slimreel
