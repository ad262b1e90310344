#include "data/shard/shard_commands.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "base/exit_code.h"
#include "base/test_files.h"
#include "data/shard/dataset_info.h"
#include "data/shard/testing/sample_shards.h"

namespace slimreel {
namespace {

constexpr int64_t kShardBytes = 8192;  // two or three test samples

TEST(ShardCommandTest, VerifyNamesTheDamagedMemberAndExitsWith3) {
  const std::string folder = TestFolder("verify");
  ASSERT_TRUE(WriteTestShards(folder, 5, kShardBytes).ok());
  ShardCommand command{"verify", folder, "", 0, false, ""};
  std::ostringstream out;
  ASSERT_TRUE(RunShardCommand(command, out).ok());
  const std::string path = folder + "/train-000001.tar";
  std::string bytes = ReadTestFile(path);
  bytes[1000] ^= 1;  // in the pixels of the first sample
  WriteTestFile(path, bytes);
  const absl::Status status = RunShardCommand(command, out);
  EXPECT_EQ(ExitCodeOf(status), ExitCode::kDataUnusable) << status;
  EXPECT_NE(status.message().find(path + ", sample 0"), absl::string_view::npos) << status;
  EXPECT_NE(status.message().find("frames"), absl::string_view::npos) << status;
}

TEST(ShardCommandTest, ListAndShowPrintTheContentAndMistakesExitAsUsage) {
  const std::string folder = TestFolder("list");
  ASSERT_TRUE(WriteTestShards(folder, 5, kShardBytes).ok());
  std::ostringstream out;
  ASSERT_TRUE(RunShardCommand({"list", folder, "", 0, true, ""}, out).ok());
  EXPECT_EQ(nlohmann::json::parse(out.str())["splits"][0]["samples"], 5);
  out.str("");
  ASSERT_TRUE(RunShardCommand({"show", folder, "", 2, true, ""}, out).ok());
  EXPECT_EQ(nlohmann::json::parse(out.str())["video"], "v1.mp4");
  for (const ShardCommand& mistake :
       {ShardCommand{"show", folder, "", 5, true, ""},
        ShardCommand{"look", folder, "", 0, false, ""},
        ShardCommand{"index", folder, "", 0, false, "wids"},
        ShardCommand{"index", folder, "", 0, false, ""},
        ShardCommand{"list", folder, "val", 0, false, ""},
        ShardCommand{"show", folder, "val", 0, false, ""},
        ShardCommand{"list", folder + "/none", "", 0, false, ""},
        ShardCommand{"verify", folder + "/train-000000.tar", "", 0, false, ""}}) {
    const absl::Status status = RunShardCommand(mistake, out);
    EXPECT_EQ(ExitCodeOf(status), ExitCode::kUsage) << mistake.verb << ": " << status;
  }
}

// A folder whose dataset.json counts two splits.
std::string CountedFolder() {
  const std::string folder = TestFolder("counted");
  EXPECT_TRUE(WriteTestShards(folder, 9, kShardBytes).ok());
  EXPECT_TRUE(WriteTestShards(folder, 2, kShardBytes, "val").ok());
  DatasetInfo info;
  info.classes = {"a", "b", "c"};
  for (const char* split : {"train", "val"}) info.splits[split] = CountTestShards(folder, split);
  EXPECT_TRUE(WriteDatasetInfo(folder, info).ok());
  return folder;
}

void ExpectUnusable(const ShardCommand& command, const std::string& words) {
  std::ostringstream out;
  const absl::Status status = RunShardCommand(command, out);
  EXPECT_EQ(ExitCodeOf(status), ExitCode::kDataUnusable) << status;
  EXPECT_NE(status.message().find(words), absl::string_view::npos) << status;
}

TEST(ShardCommandTest, VerifyComparesTheFolderWithDatasetJson) {
  const std::string folder = CountedFolder();
  const ShardCommand verify{"verify", folder, "", 0, false, ""};
  std::ostringstream out;
  EXPECT_TRUE(RunShardCommand(verify, out).ok());
  EXPECT_NE(out.str().find("split train: whole"), std::string::npos) << out.str();
  // First one shard too many, then one missing, then no shard of the split.
  std::filesystem::copy(folder + "/val-000000.tar", folder + "/val-000007.tar");
  ExpectUnusable(verify, "of split val, but");
  std::filesystem::remove(folder + "/val-000007.tar");
  std::filesystem::remove(folder + "/train-000001.tar");
  ExpectUnusable(verify, "of split train, but");
  ExpectUnusable({"verify", folder, "train", 0, false, ""}, "of split train, but");
  EXPECT_TRUE(RunShardCommand({"verify", folder, "val", 0, false, ""}, out).ok());
  for (const char* name : {"val-000000.tar", "val-000001.tar"}) {
    std::filesystem::remove(folder + "/" + name);
  }
  ExpectUnusable(verify, "of split val, but 0 with");
}

TEST(ShardCommandTest, VerifyReportsIncompleteSplitsInItsJson) {
  const std::string folder = CountedFolder();
  std::filesystem::remove(folder + "/train-000001.tar");
  std::ostringstream out;
  EXPECT_FALSE(RunShardCommand({"verify", folder, "", 0, true, ""}, out).ok());
  const auto json = nlohmann::json::parse(out.str());
  EXPECT_TRUE(json["damage"].empty());
  ASSERT_EQ(json["not_whole"].size(), 1u);
  EXPECT_NE(json["not_whole"][0].get<std::string>().find("split train"), std::string::npos);
}

TEST(ShardCommandTest, EveryCommandThatReadsAnUnfinishedSplitReportsIt) {
  const std::string folder = CountedFolder();
  DatasetInfo info = *ReadDatasetInfo(folder);
  info.splits.erase("train");
  info.unfinished = {"train"};
  ASSERT_TRUE(WriteDatasetInfo(folder, info).ok());
  for (const char* verb : {"list", "show"}) {
    ExpectUnusable({verb, folder, "", 0, false, ""}, "split train is not completely prepared");
  }
  // Its shards are intact.
  std::ostringstream verified;
  EXPECT_TRUE(RunShardCommand({"verify", folder, "", 0, false, ""}, verified).ok());
  EXPECT_NE(verified.str().find("split train is not completely prepared"), std::string::npos);
  // The complete split is listed anyway.
  std::ostringstream out;
  EXPECT_FALSE(RunShardCommand({"list", folder, "", 0, true, ""}, out).ok());
  const auto json = nlohmann::json::parse(out.str());
  ASSERT_EQ(json["splits"].size(), 1u);
  EXPECT_EQ(json["splits"][0]["split"], "val");
  EXPECT_EQ(json["classes"].size(), 3u);
}

TEST(ShardCommandTest, VerifyReportsAMissingListOfInputs) {
  const std::string folder = TestFolder("parts");
  const std::vector<std::string> names = {"a.mp4", "b.mp4", "c.mp4", "d.mp4"};
  ASSERT_TRUE(WriteTestPart(folder, 1, 2, names).ok());
  ASSERT_TRUE(WriteTestPart(folder, 2, 2, names).ok());
  std::ostringstream out;
  EXPECT_TRUE(RunShardCommand({"verify", folder, "", 0, false, ""}, out).ok());
  std::filesystem::remove(folder + "/prepare_inputs-p02of02.jsonl");
  ExpectUnusable({"verify", folder, "", 0, false, ""}, "prepare_inputs-p02of02.jsonl is missing");
}

TEST(ShardCommandTest, VerifyChecksTheShardsEvenIfDatasetJsonIsMalformed) {
  const std::string folder = CountedFolder();
  WriteTestFile(folder + "/dataset.json", "{");
  std::ostringstream out;
  const absl::Status status = RunShardCommand({"verify", folder, "", 0, false, ""}, out);
  EXPECT_EQ(ExitCodeOf(status), ExitCode::kDataUnusable) << status;
  EXPECT_NE(status.message().find("dataset.json"), absl::string_view::npos) << status;
  EXPECT_NE(out.str().find("train-000000.tar: ok"), std::string::npos) << out.str();
}

TEST(ShardCommandTest, AFileThatCannotBeOpenedIsAnErrorOfTheMachine) {
  const std::string folder = TestFolder("unreadable");
  ASSERT_TRUE(WriteTestShards(folder, 1, kShardBytes).ok());
  // A link to itself cannot be opened, even by root.
  std::filesystem::remove(folder + "/train-000000.tar");
  std::filesystem::create_symlink("train-000000.tar", folder + "/train-000000.tar");
  std::ostringstream out;
  const absl::Status status = RunShardCommand({"verify", folder, "", 0, false, ""}, out);
  EXPECT_EQ(ExitCodeOf(status), ExitCode::kInternal) << status;
  EXPECT_NE(status.message().find("train-000000.tar"), absl::string_view::npos) << status;
}

}  // namespace
}  // namespace slimreel
