// Reads a folder that the last program of format 1 wrote (testdata/format_1/README.md).
#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <sstream>
#include <string>
#include <vector>

#include "base/test_files.h"
#include "data/shard/shard_commands.h"
#include "data/shard/shard_reader.h"

namespace slimreel {
namespace {

constexpr char kFolder[] = "data/shard/testdata/format_1";

TEST(Format1Test, ShardsAreReadAndVerified) {
  const auto shards = ShardDataset::Open(kFolder, "train");
  ASSERT_TRUE(shards.ok()) << shards.status();
  ASSERT_EQ((*shards)->num_samples(), 4);
  EXPECT_EQ((*shards)->classes(), (std::vector<std::string>{"left", "right"}));
  EXPECT_EQ((*shards)->videos(), (std::vector<std::string>{"in/left/a.mp4", "in/right/b.mp4"}));
  EXPECT_EQ((*shards)->info().format_version, 1);
  for (int64_t i = 0; i < 4; ++i) {
    const SampleInfo info = (*shards)->sample(i);
    EXPECT_EQ(info.label, i / 2);
    EXPECT_EQ(info.num_frames, i % 2 == 0 ? 4 : 2);
    EXPECT_EQ(info.height, 16);
    EXPECT_EQ(info.width, 21);
    EXPECT_TRUE((*shards)->Verify(i).ok()) << (*shards)->Verify(i);
  }
  // The first pixels of the second sample, as tar and xxd show them.
  const auto frames = (*shards)->Frames(1);
  ASSERT_TRUE(frames.ok()) << frames.status();
  EXPECT_EQ(std::vector<uint8_t>(frames->data, frames->data + 6),
            (std::vector<uint8_t>{0x83, 0x00, 0xff, 0x75, 0x07, 0xfb}));
  EXPECT_EQ((*(*shards)->Metadata(1))["pts_us"][0], 160000);
}

TEST(Format1Test, FolderVerifies) {
  std::ostringstream out;
  const absl::Status status = RunShardCommand({"verify", kFolder, "", 0, false, ""}, out);
  EXPECT_TRUE(status.ok()) << status;
}

TEST(Format1Test, IsReadWithoutItsIndex) {
  const std::string folder = TestFolder("copy");
  for (const char* file : {"dataset.json", "train-000000.tar"}) {
    WriteTestFile(folder + "/" + file, ReadTestFile(std::string(kFolder) + "/" + file));
  }
  const auto shards = ShardDataset::Open(folder, "train");
  ASSERT_TRUE(shards.ok()) << shards.status();
  EXPECT_EQ((*shards)->num_samples(), 4);
  EXPECT_EQ((*shards)->sample(3).num_frames, 2);
}

}  // namespace
}  // namespace slimreel
