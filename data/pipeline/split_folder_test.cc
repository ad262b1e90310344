#include "data/pipeline/split_folder.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <set>

#include "base/test_files.h"

namespace slimreel {
namespace {

namespace fs = std::filesystem;
using Names = std::set<std::string>;

class SplitFolderTest : public testing::Test {
 protected:
  void SetUp() override { root_ = TestFolder("shards"); }

  std::unique_ptr<SplitFolder> Open(const std::string& split = "train", int part = 0,
                                    int num_parts = 0) const {
    auto folder = SplitFolder::Open({root_, split, part, num_parts});
    EXPECT_TRUE(folder.ok()) << folder.status();
    return folder.ok() ? *std::move(folder) : nullptr;
  }

  // A tar of `bytes` with its index, both holding `text`.
  void MakeShard(const std::string& stem, const std::string& text) const {
    WriteTestFile(root_ + "/" + stem + ".tar", text);
    WriteTestFile(root_ + "/" + stem + ".idx", text);
  }

  // Three shards in place and the state that lists them.
  RunState ThreeShards() const {
    RunState state;
    state.fingerprint = "f";
    state.complete = true;
    for (const char* stem : {"train-000000", "train-000001", "train-000002"}) {
      MakeShard(stem, stem);
      state.shards.push_back({std::string(stem) + ".tar", 12, 1, {stem}, false, std::nullopt});
    }
    return state;
  }

  static Names NamesIn(const std::string& folder) {
    Names names;
    if (!fs::exists(folder)) return names;
    for (const auto& entry : fs::directory_iterator(folder)) {
      const std::string extension = entry.path().extension();
      if (extension == ".tar" || extension == ".idx") names.insert(entry.path().filename());
    }
    return names;
  }

  std::string root_;
};

TEST_F(SplitFolderTest, SplitsAndPartsHaveNamesOfTheirOwn) {
  EXPECT_EQ(Open()->report_path(), root_ + "/prepare_report.jsonl");
  EXPECT_EQ(Open("val")->report_path(), root_ + "/prepare_report-val.jsonl");
  EXPECT_EQ(Open("train", 3, 16)->report_path(), root_ + "/prepare_report-p03of16.jsonl");
  EXPECT_EQ(Open("train", 3, 16)->state_path(), root_ + "/.prepare-train-p03of16.jsonl");
  EXPECT_EQ(Open("val")->previous_folder(), root_ + "/.previous-val");
}

TEST_F(SplitFolderTest, OneProcessAtATimeForASplitAndPart) {
  auto first = Open();
  const auto second = SplitFolder::Open({root_, "train", 0, 0});
  EXPECT_EQ(second.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_NE(second.status().message().find(root_), std::string::npos);
  EXPECT_NE(Open("val"), nullptr);
  EXPECT_NE(Open("train", 1, 2), nullptr);
  first.reset();
  EXPECT_NE(Open(), nullptr);
}

TEST_F(SplitFolderTest, OpeningClearsAwayWhatADeadWriterLeft) {
  WriteTestFile(root_ + "/.writing-1-0-train-000000.tar", "half");
  Open();
  EXPECT_FALSE(fs::exists(root_ + "/.writing-1-0-train-000000.tar"));
}

TEST_F(SplitFolderTest, AShardThatIsGoneOrOfAnotherSizeIsLeftOutWithAllAfterIt) {
  const auto folder = Open();
  RunState state = ThreeShards();
  folder->DropMissing(&state);
  EXPECT_EQ(state.shards.size(), 3u);
  EXPECT_TRUE(state.complete);
  WriteTestFile(root_ + "/train-000001.tar", "longer than before");
  folder->DropMissing(&state);
  EXPECT_EQ(state.shards.size(), 1u);
  EXPECT_FALSE(state.complete);
  fs::remove(root_ + "/train-000000.idx");
  folder->DropMissing(&state);
  EXPECT_TRUE(state.shards.empty());
}

TEST_F(SplitFolderTest, ReplacedShardsWaitInThePreviousFolderWithTheirState) {
  const auto folder = Open();
  MakeShard("val-000000", "another split");
  MakeShard("train-p01of02-000000", "another part");
  const RunState state = ThreeShards();
  ASSERT_TRUE(folder->MakeRoom(state, 1, /*reuse=*/true).ok());
  EXPECT_EQ(NamesIn(root_),
            (Names{"train-000000.tar", "train-000000.idx", "val-000000.tar", "val-000000.idx",
                   "train-p01of02-000000.tar", "train-p01of02-000000.idx"}));
  EXPECT_EQ(NamesIn(folder->previous_folder()), (Names{"train-000001.tar", "train-000001.idx",
                                                       "train-000002.tar", "train-000002.idx"}));
  EXPECT_EQ(LoadRunState(folder->previous_state_path()).shards.size(), 3u);
}

TEST_F(SplitFolderTest, WithoutReuseReplacedShardsAreDeleted) {
  const auto folder = Open();
  const RunState state = ThreeShards();
  ASSERT_TRUE(folder->MakeRoom(state, 0, /*reuse=*/false).ok());
  EXPECT_TRUE(NamesIn(root_).empty());
  EXPECT_FALSE(fs::exists(folder->previous_folder()));
}

// A kill between any two moves: the next run moves the rest, and a shard that
// was written in the meantime does not take the place of the one that waits.
TEST_F(SplitFolderTest, MovesThatAKillCutShortAreTakenUp) {
  const auto folder = Open();
  const RunState state = ThreeShards();
  ASSERT_TRUE(folder->MakeRoom(state, 0, /*reuse=*/true).ok());
  const std::string previous = folder->previous_folder();
  // As if killed when only the index of 1 had moved, and 2 not at all.
  fs::rename(previous + "/train-000001.tar", root_ + "/train-000001.tar");
  for (const char* file : {"/train-000002.tar", "/train-000002.idx"}) {
    fs::rename(previous + file, root_ + file);
  }
  MakeShard("train-000000", "a newer one of this name");
  RunState after;  // the kept log of the killed run lists nothing yet
  after.fingerprint = "f";
  ASSERT_TRUE(folder->MakeRoom(after, 0, /*reuse=*/true).ok());
  EXPECT_TRUE(NamesIn(root_).empty());
  EXPECT_EQ(NamesIn(previous).size(), 6u);
  EXPECT_EQ(ReadTestFile(previous + "/train-000000.tar"), "train-000000");
}

TEST_F(SplitFolderTest, AtTheEndOnlyTheSplitsOwnStaleShardsGo) {
  const auto folder = Open();
  RunState state = ThreeShards();
  MakeShard("val-000007", "another split");
  WriteTestFile(folder->previous_state_path(), "x");
  state.shards.pop_back();
  ASSERT_TRUE(folder->RemoveStale(state).ok());
  EXPECT_EQ(NamesIn(root_), (Names{"train-000000.tar", "train-000000.idx", "train-000001.tar",
                                   "train-000001.idx", "val-000007.tar", "val-000007.idx"}));
  EXPECT_FALSE(fs::exists(folder->previous_folder()));
}

}  // namespace
}  // namespace slimreel
