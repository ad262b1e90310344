#include "data/pipeline/split_folder.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/test_files.h"

namespace slimreel {
namespace {

namespace fs = std::filesystem;
using Texts = std::map<std::string, std::string>;

class SplitFolderTest : public testing::Test {
 protected:
  void SetUp() override { root_ = TestFolder("shards"); }

  SplitId Id(const std::string& split = "train", int part = 0, int num_parts = 0) const {
    return {root_, split, part, num_parts};
  }
  std::unique_ptr<SplitFolder> Open() const {
    auto folder = SplitFolder::Open(Id());
    EXPECT_TRUE(folder.ok()) << folder.status();
    return folder.ok() ? *std::move(folder) : nullptr;
  }

  // Writes a tar and its index, both with the contents `text`.
  void MakeShard(const std::string& stem, const std::string& text) const {
    WriteTestFile(root_ + "/" + stem + ".tar", text);
    WriteTestFile(root_ + "/" + stem + ".idx", text);
  }
  // In place: 0 and 1, which stay, and 2 to 4, which are old. Staged: the new 2 and 3.
  void MakeNewShardsBesideOldOnes() const {
    for (const char* number : {"0", "1"}) MakeShard("train-00000" + std::string(number), number);
    for (const char* number : {"2", "3", "4"}) {
      MakeShard("train-00000" + std::string(number), "old " + std::string(number));
    }
    for (const char* number : {"2", "3"}) {
      MakeShard(".next-train/train-00000" + std::string(number), number);
    }
  }
  // The shards to publish after MakeNewShardsBesideOldOnes.
  std::vector<ShardLocation> Wanted() const {
    std::vector<ShardLocation> shards;
    for (int64_t number = 0; number < 4; ++number) {
      const bool staged = number >= 2;
      shards.push_back(
          {ShardPath(Id(), staged ? StagingFolder(Id()) : root_, number), number, staged});
    }
    return shards;
  }
  static Texts Published() {
    Texts texts;
    for (const char* number : {"0", "1", "2", "3"}) {
      for (const char* extension : {".idx", ".tar"}) {
        texts["train-00000" + std::string(number) + extension] = number;
      }
    }
    return texts;
  }

  // Contents of the shards and indexes in a folder, without its subfolders.
  static Texts TextsIn(const std::string& folder) {
    Texts texts;
    for (const auto& entry : fs::directory_iterator(folder)) {
      const std::string extension = entry.path().extension();
      if (extension != ".tar" && extension != ".idx") continue;
      texts[entry.path().filename()] = ReadTestFile(entry.path());
    }
    return texts;
  }

  std::string root_;
};

TEST_F(SplitFolderTest, OnlyOneProcessAtATimeOpensASplitOrPart) {
  auto first = Open();
  const auto second = SplitFolder::Open(Id());
  EXPECT_EQ(second.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_NE(second.status().message().find(root_), absl::string_view::npos);
  EXPECT_TRUE(SplitFolder::Open(Id("val")).ok());
  EXPECT_TRUE(SplitFolder::Open(Id("train", 1, 2)).ok());
  first.reset();
  EXPECT_NE(Open(), nullptr);
}

TEST_F(SplitFolderTest, OpeningRemovesTheHalfWrittenFilesOfADeadWriter) {
  const std::string half = ".writing-1-0-train-000000.tar";
  for (const char* folder : {"/", "/.next-train/"}) WriteTestFile(root_ + folder + half, "half");
  MakeShard(".next-train/train-000000", "whole");
  Open();
  for (const char* folder : {"/", "/.next-train/"}) {
    EXPECT_FALSE(fs::exists(root_ + folder + half)) << folder;
  }
  EXPECT_TRUE(fs::exists(root_ + "/.next-train/train-000000.tar"));
}

TEST_F(SplitFolderTest, ShardsListsThoseInPlaceByNumberAndThenTheStagedOnes) {
  for (const char* stem :
       {"train-000010", "train-000002", "train-1000000", "val-000000", "train-p01of02-000000",
        ".next-train/train-000003", ".next-train/train-000001", ".next-val/val-000000"}) {
    MakeShard(stem, stem);
  }
  std::vector<std::string> paths;
  for (const ShardLocation& shard : Open()->Shards()) {
    paths.push_back(fs::relative(shard.path, root_).string());
    EXPECT_EQ(shard.staged, paths.back()[0] == '.');
    EXPECT_EQ(paths.back(),
              fs::relative(
                  ShardPath(Id(), shard.staged ? StagingFolder(Id()) : root_, shard.number), root_)
                  .string());
  }
  EXPECT_EQ(paths, (std::vector<std::string>{"train-000002.tar", "train-000010.tar",
                                             "train-1000000.tar", ".next-train/train-000001.tar",
                                             ".next-train/train-000003.tar"}));
}

TEST_F(SplitFolderTest, PublishMovesTheStagedShardsAndRemovesTheStaleOnes) {
  MakeNewShardsBesideOldOnes();
  MakeShard(".next-train/train-000009", "of an earlier preparation");
  for (const char* other : {"val-000004", "train-p01of02-000004", ".next-val/val-000000"}) {
    MakeShard(other, other);
  }
  WriteTestFile(root_ + "/.previous-train/train-000000.tar", "of format 1");
  const auto folder = Open();
  EXPECT_FALSE(folder->IsPublished(Wanted()));
  const absl::Status status = folder->Publish(Wanted());
  ASSERT_TRUE(status.ok()) << status;
  Texts expected = Published();
  for (const char* other : {"val-000004", "train-p01of02-000004"}) {
    for (const char* extension : {".idx", ".tar"}) {
      expected[other + std::string(extension)] = other;
    }
  }
  EXPECT_EQ(TextsIn(root_), expected);
  EXPECT_FALSE(fs::exists(root_ + "/.next-train"));
  EXPECT_FALSE(fs::exists(root_ + "/.previous-train"));
  EXPECT_TRUE(fs::exists(root_ + "/.next-val/val-000000.tar"));
  EXPECT_TRUE(folder->IsPublished(folder->Shards()));
}

TEST_F(SplitFolderTest, IsPublishedIfAllShardsOfTheSplitAreInPlaceAndNoOthers) {
  MakeShard("train-000000", "0");
  MakeShard("val-000000", "val");
  const auto folder = Open();
  std::vector<ShardLocation> shards = folder->Shards();
  EXPECT_TRUE(folder->IsPublished(shards));
  MakeShard("train-000001", "stale");
  EXPECT_FALSE(folder->IsPublished(shards));
  shards = folder->Shards();
  EXPECT_TRUE(folder->IsPublished(shards));
  shards.back().staged = true;
  EXPECT_FALSE(folder->IsPublished(shards));
}

TEST_F(SplitFolderTest, PublishingNoShardsRemovesTheSplit) {
  MakeNewShardsBesideOldOnes();
  ASSERT_TRUE(Open()->Publish({}).ok());
  EXPECT_EQ(TextsIn(root_), Texts());
  EXPECT_FALSE(fs::exists(root_ + "/.next-train"));
}

TEST_F(SplitFolderTest, AShardThatCannotBeMovedIsAnErrorWithItsPath) {
  MakeNewShardsBesideOldOnes();
  fs::remove(root_ + "/.next-train/train-000003.tar");
  const absl::Status status = Open()->Publish(Wanted());
  EXPECT_FALSE(status.ok());
  EXPECT_NE(status.message().find(".next-train/train-000003.tar"), absl::string_view::npos)
      << status;
}

// Cuts Publish short after each of its steps: the next preparation finds all shards.
TEST_F(SplitFolderTest, AKillBetweenAnyTwoStepsOfPublishLosesNoShard) {
  std::vector<std::function<void()>> steps;
  for (const char* number : {"2", "3"}) {
    const std::string stem = "/train-00000" + std::string(number);
    steps.emplace_back([=, this] { fs::remove(root_ + stem + ".idx"); });
    for (const char* extension : {".tar", ".idx"}) {
      steps.emplace_back([=, this] {
        fs::rename(root_ + "/.next-train" + stem + extension, root_ + stem + extension);
      });
    }
  }
  for (const char* extension : {".idx", ".tar"}) {
    steps.emplace_back([=, this] { fs::remove(root_ + "/train-000004" + extension); });
  }
  for (size_t done = 0; done <= steps.size(); ++done) {
    SCOPED_TRACE(done);
    root_ = TestFolder("killed");
    MakeNewShardsBesideOldOnes();
    for (size_t i = 0; i < done; ++i) steps[i]();
    const auto folder = Open();
    // The shards as the next preparation finds them: whole pairs; the staged one if there are two.
    std::map<int64_t, ShardLocation> found;
    for (const ShardLocation& shard : folder->Shards()) {
      const std::string index = shard.path.substr(0, shard.path.size() - 4) + ".idx";
      if (!fs::exists(index)) continue;
      EXPECT_EQ(ReadTestFile(index), ReadTestFile(shard.path)) << "an index of another tar";
      if (shard.number < 4) found[shard.number] = shard;
    }
    EXPECT_EQ(found.size(), 4u);
    std::vector<ShardLocation> shards;
    for (int64_t number = 0; number < 4; ++number) {
      shards.push_back(found[number]);
    }
    ASSERT_TRUE(folder->Publish(shards).ok());
    EXPECT_EQ(TextsIn(root_), Published());
  }
}

}  // namespace
}  // namespace slimreel
