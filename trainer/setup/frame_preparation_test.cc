#include "trainer/setup/frame_preparation.h"

#include <filesystem>
#include <fstream>

#include "data/shard/dataset_info.h"
#include "gtest/gtest.h"

namespace slimreel {
namespace {

std::string Folder(const std::string& name, const nlohmann::json& preparation) {
  const std::string folder = ::testing::TempDir() + "/preparation_" + name;
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  DatasetInfo info;
  info.preparation = preparation;
  EXPECT_TRUE(WriteDatasetInfo(folder, info).ok());
  return folder;
}

TEST(FramePreparationTest, TheShardsDecideAndNotTheConfiguration) {
  DataOptions data;
  data.short_side = 200;
  data.train = {Folder("said", {{"short_side", 72},
                                {"max_video_frames", 60},
                                {"chunk_overlap", 6},
                                {"quality_threshold", 0.25}})};
  const auto found = FindFramePreparation(data);
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_EQ(*found, (FramePreparation{.short_side = 72,
                                      .max_video_frames = 60,
                                      .chunk_overlap = 6,
                                      .quality_threshold = 0.25}));
}

TEST(FramePreparationTest, TheShortestChunkIsTheShardsOrOneFrameForOlderShards) {
  DataOptions data;
  data.train = {Folder("new", {{"max_video_frames", 60}, {"min_chunk_frames", 24}})};
  EXPECT_EQ(FindFramePreparation(data)->min_chunk_frames, 24);
  data.train = {Folder("old", {{"max_video_frames", 60}})};
  EXPECT_EQ(FindFramePreparation(data)->min_chunk_frames, 1);
}

TEST(FramePreparationTest, NativeFramesHaveShortSideZero) {
  DataOptions data;
  data.train = {Folder("native", {{"short_side", "native"}})};
  EXPECT_EQ(FindFramePreparation(data)->short_side, 0);
}

TEST(FramePreparationTest, ShardsThatSayNothingFallBackToTheConfiguration) {
  DataOptions data;
  data.short_side = 90;
  data.train = {Folder("silent", nlohmann::json::object())};
  EXPECT_EQ(FindFramePreparation(data)->short_side, 90);
  std::filesystem::remove(data.train[0] + "/dataset.json");
  EXPECT_EQ(FindFramePreparation(data)->short_side, 90);
  data.train = {"synthetic:10"};
  EXPECT_EQ(FindFramePreparation(data)->short_side, 90);
}

TEST(FramePreparationTest, ADamagedDescriptionIsAnError) {
  DataOptions data;
  data.train = {Folder("damaged", {})};
  std::ofstream(data.train[0] + "/dataset.json") << "{";
  EXPECT_FALSE(FindFramePreparation(data).ok());
}

}  // namespace
}  // namespace slimreel
