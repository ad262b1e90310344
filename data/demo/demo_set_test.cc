#include "data/demo/demo_set.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <map>

#include "base/atomic_file.h"
#include "data/shard/npy.h"

namespace slimreel {
namespace {

namespace fs = std::filesystem;

// Path below the folder -> bytes.
std::map<std::string, std::string> Files(const std::string& folder) {
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file()) {
      files[fs::relative(entry.path(), folder).string()] = *ReadFile(entry.path().string());
    }
  }
  return files;
}

DemoSetOptions Options(const std::string& name) {
  DemoSetOptions options;
  options.output = testing::TempDir() + "/demo_" + name;
  fs::remove_all(options.output);
  options.clips_per_class = 3;
  return options;
}

TEST(DemoSetTest, AFolderPerClassAndNothingElse) {
  const DemoSetOptions options = Options("folders");
  const DemoSetSummary summary = *WriteDemoSet(options);
  EXPECT_EQ(summary.clips, 18);
  EXPECT_EQ(summary.classes, 6);
  const auto files = Files(options.output);
  ASSERT_EQ(files.size(), 18u);
  EXPECT_TRUE(files.contains("clockwise/clockwise_s0_00000.mp4"));
  EXPECT_TRUE(files.contains("up/up_s0_00002.mp4"));
  int64_t bytes = 0;
  for (const auto& [path, content] : files) bytes += content.size();
  EXPECT_EQ(bytes, summary.bytes);
}

TEST(DemoSetTest, TheSameSeedGivesTheSameBytesForAnyNumberOfThreads) {
  DemoSetOptions options = Options("one");
  options.num_threads = 1;
  ASSERT_TRUE(WriteDemoSet(options).ok());
  DemoSetOptions other = Options("four");
  other.num_threads = 4;
  ASSERT_TRUE(WriteDemoSet(other).ok());
  EXPECT_EQ(Files(options.output), Files(other.output));
}

TEST(DemoSetTest, AnotherSeedAddsOtherClipsOfTheSameClasses) {
  DemoSetOptions options = Options("seeds");
  ASSERT_TRUE(WriteDemoSet(options).ok());
  options.seed = 1;
  ASSERT_TRUE(WriteDemoSet(options).ok());
  const auto files = Files(options.output);
  EXPECT_EQ(files.size(), 36u);
  EXPECT_NE(files.at("left/left_s0_00001.mp4"), files.at("left/left_s1_00001.mp4"));
}

TEST(DemoSetTest, PoseClipsHaveTheirKeypointsBesideThem) {
  DemoSetOptions options = Options("pose");
  options.pose = true;
  options.clips_per_class = 1;
  const DemoSetSummary summary = *WriteDemoSet(options);
  EXPECT_EQ(summary.clips, 9);
  EXPECT_EQ(summary.classes, 9);
  const auto files = Files(options.output);
  ASSERT_EQ(files.size(), 18u);
  ASSERT_TRUE(files.contains("blue_arms/blue_arms_s0_00000.mp4"));
  const auto npy = ParseNpy(files.at("red_legs/red_legs_s0_00000.kpts.npy"));
  ASSERT_TRUE(npy.ok()) << npy.status();
  EXPECT_EQ(npy->type, NpyType::kFloat32);
  EXPECT_EQ(npy->shape, (std::vector<int64_t>{1, 40, 17, 3}));
}

TEST(DemoSetTest, MistakesAndUnusableFoldersAreErrors) {
  DemoSetOptions options = Options("mistakes");
  options.clips_per_class = 0;
  EXPECT_TRUE(absl::IsInvalidArgument(WriteDemoSet(options).status()));
  options.clips_per_class = 1;
  options.output = "";
  EXPECT_TRUE(absl::IsInvalidArgument(WriteDemoSet(options).status()));
  options.output = testing::TempDir() + "/demo_a_file";
  ASSERT_TRUE(WriteFileAtomically(options.output, "x").ok());
  const absl::Status status = WriteDemoSet(options).status();
  EXPECT_FALSE(status.ok());
  EXPECT_NE(status.message().find("demo_a_file"), absl::string_view::npos) << status;
}

}  // namespace
}  // namespace slimreel
