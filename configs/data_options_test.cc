#include "configs/data_options.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>

namespace slimreel {
namespace {

std::string Refusal(const DataOptions& options) {
  return std::string(options.Validate().message());
}

TEST(DataOptionsTest, TheShortSideLeavesRoomForTheCrop) {
  DataOptions options;
  for (const auto& [image, side] : {std::pair{112, 128}, {56, 64}, {224, 256}, {32, 37}}) {
    options.img_height = options.img_width = image;
    EXPECT_EQ(options.ResolvedShortSide(), side) << image;
  }
  options.img_height = 56;  // differs from the width: the shorter side counts
  options.img_width = 112;
  EXPECT_EQ(options.ResolvedShortSide(), 64);
  options.short_side = 60;
  EXPECT_EQ(options.ResolvedShortSide(), 60);
  options.native_size = true;
  EXPECT_EQ(options.ResolvedShortSide(), 0);
}

TEST(DataOptionsTest, SyntheticSourcesNeedACountAndNoOtherSource) {
  DataOptions options;
  options.train = {"synthetic:8"};
  EXPECT_EQ(Refusal(options), "");
  for (const char* bad : {"synthetic:", "synthetic:0", "synthetic:-1", "synthetic:many"}) {
    options.val = {bad};
    EXPECT_NE(Refusal(options).find("data.val is \"" + std::string(bad)), std::string::npos) << bad;
  }
  options.val = {"shards", ""};
  EXPECT_NE(Refusal(options).find("data.val holds an empty path"), std::string::npos);
  options.val = {};
  options.test = {"synthetic:8", "shards"};
  EXPECT_NE(Refusal(options).find("data.test mixes synthetic:8"), std::string::npos);
}

TEST(DataOptionsTest, TheOverlapIsSmallerThanAChunk) {
  DataOptions options;
  options.max_video_frames = 16;
  options.chunk_overlap = 15;
  EXPECT_EQ(Refusal(options), "");
  options.chunk_overlap = 16;
  EXPECT_NE(Refusal(options).find("allowed is less than data.max_video_frames, which is 16"),
            std::string::npos);
}

}  // namespace
}  // namespace slimreel
