#include "data/pipeline/split_id.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "base/test_files.h"
#include "data/shard/dataset_info.h"

namespace slimreel {
namespace {

namespace fs = std::filesystem;
using Names = std::set<std::string>;

class SplitIdTest : public testing::Test {
 protected:
  void SetUp() override { root_ = TestFolder("shards"); }

  SplitId Id(int part = 0, int num_parts = 0, const std::string& split = "train") const {
    return {root_, split, part, num_parts};
  }
  void Touch(const std::vector<std::string>& names) const {
    for (const std::string& name : names) WriteTestFile(root_ + "/" + name, "x");
  }
  // The other divisions, as "1/2"; "0/0" is the whole split.
  Names Others(const SplitId& id) const {
    const auto others = OtherDivisions(id);
    EXPECT_TRUE(others.ok()) << others.status();
    Names names;
    for (const SplitId& other : *others) {
      EXPECT_EQ(other.folder, id.folder);
      EXPECT_EQ(other.split, id.split);
      names.insert(std::to_string(other.part) + "/" + std::to_string(other.num_parts));
    }
    EXPECT_EQ(names.size(), others->size()) << "each one appears once";
    return names;
  }
  Names Files() const {
    Names names;
    for (const auto& entry : fs::directory_iterator(root_)) names.insert(entry.path().filename());
    return names;
  }

  std::string root_;
};

TEST_F(SplitIdTest, SplitsAndPartsHaveDistinctFileNames) {
  const SplitId whole = Id(), part = Id(3, 16), val = Id(0, 0, "val"), val_part = Id(3, 16, "val");
  EXPECT_EQ(SplitName(whole), "train");
  EXPECT_EQ(SplitName(part), "train-p03of16");
  EXPECT_EQ(SplitLockPath(part), root_ + "/.train-p03of16.lock");
  EXPECT_EQ(ReportPath(whole), root_ + "/prepare_report.jsonl");
  EXPECT_EQ(ReportPath(val), root_ + "/prepare_report-val.jsonl");
  EXPECT_EQ(ReportPath(part), root_ + "/prepare_report-p03of16.jsonl");
  EXPECT_EQ(ReportPath(val_part), root_ + "/prepare_report-val-p03of16.jsonl");
  EXPECT_EQ(PrepareLogPath(part), root_ + "/.prepare-train-p03of16.jsonl");
  EXPECT_EQ(StagingFolder(val), root_ + "/.next-val");
  EXPECT_EQ(ShardPath(part, StagingFolder(part), 7),
            root_ + "/.next-train-p03of16/train-p03of16-000007.tar");
  EXPECT_EQ(DivisionName(whole), "whole");
  EXPECT_EQ(DivisionName(part), "in 16 parts");
}

TEST_F(SplitIdTest, DivisionsAreFoundByTheirShards) {
  Touch({"train-000000.tar", "train-000001.tar", "train-p01of02-000000.tar",
         "train-p02of02-000000.tar", "val-p01of03-000000.tar"});
  EXPECT_EQ(Others(Id()), (Names{"1/2", "2/2"}));
  EXPECT_EQ(Others(Id(1, 2)), Names{"0/0"}) << "parts of one division belong together";
  EXPECT_EQ(Others(Id(1, 3)), (Names{"0/0", "1/2", "2/2"}));
  EXPECT_EQ(Others(Id(0, 0, "val")), Names{"1/3"});
  EXPECT_EQ(Others(Id(0, 0, "test")), Names{});
}

// A part with few videos may have no shard at all.
TEST_F(SplitIdTest, DivisionsAreFoundByTheirDatasetFiles) {
  DatasetInfo info;
  info.splits["train"] = SplitCounts();
  info.unfinished = {"val"};
  ASSERT_TRUE(WriteDatasetInfo(root_, info, 2, 4).ok());
  ASSERT_TRUE(WriteDatasetInfo(root_, info).ok());
  EXPECT_EQ(Others(Id()), Names{"2/4"});
  EXPECT_EQ(Others(Id(0, 0, "val")), Names{"2/4"});
  EXPECT_EQ(Others(Id(0, 0, "test")), Names{});
  // dataset.json may be that of the joined parts, so only shards show an undivided split.
  EXPECT_EQ(Others(Id(1, 4)), Names{});
}

TEST_F(SplitIdTest, AMissingFolderHasNoDivisionsAndAFileIsAnError) {
  root_ += "/none";
  EXPECT_EQ(Others(Id()), Names{});
  WriteTestFile(root_, "x");
  EXPECT_FALSE(OtherDivisions(Id()).ok());
}

TEST_F(SplitIdTest, RemovingADivisionLeavesAllOthers) {
  const std::vector<std::string> gone = {"train-p01of02-000000.tar",
                                         "train-p01of02-000000.idx",
                                         "train-p01of02-000001.tar",
                                         "prepare_report-p01of02.jsonl",
                                         ".prepare-train-p01of02.jsonl",
                                         "prepare_inputs-p01of02.jsonl",
                                         ".next-train-p01of02/train-p01of02-000000.tar"};
  const std::vector<std::string> stay = {"train-000000.tar",
                                         "train-000000.idx",
                                         "train-p02of02-000000.tar",
                                         "train-p01of03-000000.tar",
                                         "val-p01of02-000000.tar",
                                         "prepare_report-val-p01of02.jsonl",
                                         "prepare_report-p02of02.jsonl",
                                         "prepare_report.jsonl",
                                         "prepare_inputs-p02of02.jsonl",
                                         "prepare_inputs-val-p01of02.jsonl",
                                         ".train-p01of02.lock",
                                         "dataset-p01of02.json",
                                         "dataset.json"};
  Touch(gone);
  Touch(stay);
  ASSERT_TRUE(RemoveFilesOf(Id(1, 2)).ok());
  EXPECT_EQ(Files(), Names(stay.begin(), stay.end()));
  ASSERT_TRUE(RemoveFilesOf(Id()).ok());
  EXPECT_EQ(Files().count("train-000000.tar") + Files().count("train-000000.idx") +
                Files().count("prepare_report.jsonl"),
            0u);
  EXPECT_EQ(Files().count(".train.lock"), 1u);  // the file of a lock stays
  EXPECT_EQ(Files().size(), stay.size() - 3 + 1);
}

}  // namespace
}  // namespace slimreel
