#include "data/shard/list_shards.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/test_files.h"

namespace slimreel {
namespace {

TEST(ListShardsTest, SortsTheShardsOfEachSplitAndIgnoresOtherFiles) {
  const std::string folder = TestFolder("list");
  for (const char* name : {"train-000001.tar", "train-000000.tar", "val-p01of02-000000.tar",
                           "train-000000.idx", "dataset.json", ".train-000002.tar"}) {
    WriteTestFile(folder + "/" + name, "");
  }
  const ShardPaths train = {
      {"train", {folder + "/train-000000.tar", folder + "/train-000001.tar"}}};
  ShardPaths all = train;
  all["val"] = {folder + "/val-p01of02-000000.tar"};
  EXPECT_EQ(*ListShards(folder), all);
  EXPECT_EQ(*ListShards(folder, "train"), train);
}

TEST(ListShardsTest, ErrorsNameTheFolderAndTheSplit) {
  const std::string folder = TestFolder("list");
  WriteTestFile(folder + "/train-000000.tar", "");
  const absl::Status no_split = ListShards(folder, "val").status();
  EXPECT_TRUE(absl::IsNotFound(no_split)) << no_split;
  EXPECT_NE(no_split.message().find(folder + " holds no shards of split val"),
            absl::string_view::npos)
      << no_split;
  EXPECT_TRUE(absl::IsNotFound(ListShards(folder + "/nowhere").status()));
  EXPECT_TRUE(absl::IsInvalidArgument(ListShards(folder + "/train-000000.tar").status()));
}

}  // namespace
}  // namespace slimreel
