#include "data/pipeline/open_split.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/exit_code.h"
#include "base/file_lock.h"
#include "base/test_files.h"
#include "data/pipeline/shared_info.h"
#include "data/shard/dataset_info.h"

namespace slimreel {
namespace {

using Strings = std::vector<std::string>;

// The videos are never opened, so any bytes will do.
class OpenSplitTest : public testing::Test {
 protected:
  void SetUp() override {
    root_ = TestFolder("open_split");
    for (const char* name : {"left/a", "left/b", "right/a"}) {
      WriteTestFile(root_ + "/in/" + name + ".mp4", "x");
    }
  }

  PrepareOptions Options(const std::string& split = "train") const {
    PrepareOptions options;
    options.inputs = {root_ + "/in"};
    options.output = root_ + "/out";
    options.split = split;
    return options;
  }
  SplitId Id(const std::string& split = "train", int part = 0, int num_parts = 0) const {
    return {root_ + "/out", split, part, num_parts};
  }

  std::string root_;
};

TEST_F(OpenSplitTest, ListsTheVideosAndLocksTheSplit) {
  const auto opened = OpenSplit(Options());
  ASSERT_TRUE(opened.ok()) << opened.status();
  const std::vector<SourceVideo>& videos = opened->inputs.videos;
  ASSERT_EQ(videos.size(), 3u);
  EXPECT_EQ(videos[0].source.path, root_ + "/in/left/a.mp4");
  EXPECT_EQ(videos[0].source.stat.size_bytes, 1);
  EXPECT_EQ(videos[2].label, 1);
  EXPECT_EQ(opened->inputs.info.classes, (Strings{"left", "right"}));
  EXPECT_EQ(*FileLock::Try(SplitLockPath(Id())), nullptr);
  const absl::Status second = OpenSplit(Options()).status();
  EXPECT_TRUE(absl::IsFailedPrecondition(second)) << second;
}

TEST_F(OpenSplitTest, ClaimsItsSettingsForAsLongAsTheSplitIsOpen) {
  {
    const auto opened = OpenSplit(Options());
    ASSERT_TRUE(opened.ok()) << opened.status();
    const auto others = PublishedAndClaimedOtherSplits(Id("val"));
    ASSERT_TRUE(others.ok()) << others.status();
    EXPECT_EQ(others->names, Strings{"train"});
    EXPECT_EQ(others->classes, (Strings{"left", "right"}));
  }
  EXPECT_TRUE(PublishedAndClaimedOtherSplits(Id("val"))->names.empty());
}

TEST_F(OpenSplitTest, UsesTheClassesOfAnOpenSplitOfTheSameFolder) {
  const auto train = OpenSplit(Options());
  ASSERT_TRUE(train.ok()) << train.status();
  std::filesystem::remove_all(root_ + "/in/left");
  const auto val = OpenSplit(Options("val"));
  ASSERT_TRUE(val.ok()) << val.status();
  EXPECT_EQ(val->inputs.info.classes, (Strings{"left", "right"}));
  EXPECT_EQ(val->inputs.videos.front().label, 1);
}

TEST_F(OpenSplitTest, RefusesOtherOptionsThanThoseOfAnOpenSplit) {
  const auto train = OpenSplit(Options());
  ASSERT_TRUE(train.ok()) << train.status();
  PrepareOptions options = Options("val");
  options.data.max_video_frames = 7;
  const absl::Status refused = OpenSplit(options).status();
  EXPECT_TRUE(absl::IsInvalidArgument(refused)) << refused;
  EXPECT_NE(refused.message().find("its split train"), absl::string_view::npos) << refused;
}

TEST_F(OpenSplitTest, RefusesAnotherDivisionUnlessItReplacesIt) {
  WriteTestFile(root_ + "/out/train-000000.tar", "x");
  PrepareOptions part = Options();
  part.part = 1;
  part.num_parts = 2;
  const absl::Status refused = OpenSplit(part).status();
  EXPECT_TRUE(absl::IsInvalidArgument(refused)) << refused;
  EXPECT_NE(refused.message().find("--replace_division"), absl::string_view::npos) << refused;
  part.replace_division = true;
  EXPECT_TRUE(OpenSplit(part).ok());
}

TEST_F(OpenSplitTest, APartKnowsTheVideosOfAllParts) {
  size_t videos = 0;
  for (const int part : {1, 2}) {
    PrepareOptions options = Options();
    options.part = part;
    options.num_parts = 2;
    const auto opened = OpenSplit(options);
    ASSERT_TRUE(opened.ok()) << opened.status();
    EXPECT_EQ(opened->inputs.all.size(), 3u);
    EXPECT_EQ(opened->inputs.videos.size() + opened->inputs.other_paths.size(), 3u);
    videos += opened->inputs.videos.size();
  }
  EXPECT_EQ(videos, 3u);
}

TEST_F(OpenSplitTest, AMistakeInTheInputsMakesNoFolder) {
  PrepareOptions options = Options();
  options.inputs = {root_ + "/none"};
  EXPECT_FALSE(OpenSplit(options).ok());
  EXPECT_FALSE(std::filesystem::exists(root_ + "/out"));
}

TEST_F(OpenSplitTest, AStopEndsTheWaitForTheFolder) {
  const auto holder = LockDatasetInfo(Id());
  ASSERT_TRUE(holder.ok()) << holder.status();
  PrepareOptions options = Options();
  options.interrupted = [] { return true; };
  EXPECT_EQ(ExitCodeOf(OpenSplit(options).status()), ExitCode::kStopped);
}

}  // namespace
}  // namespace slimreel
