#include "models/weights/stream_merge.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace slimreel {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

TEST(StreamMergeTest, NamesGoToTheirStreamAndBack) {
  const std::set<std::string> model{"backbone.rgb_path.conv1.conv.weight",
                                    "backbone.rgb_path.layer2_lateral.conv.weight",
                                    "backbone.pose_path.layer1.0.conv1.bn.bias",
                                    "cls_head.fc_rgb.weight", "cls_head.fc_pose.weight"};
  EXPECT_TRUE(HasTwoStreams(model));
  EXPECT_FALSE(HasTwoStreams({"backbone.conv1.conv.weight"}));
  EXPECT_THAT(NamesOfStream(model, Stream::kRgb),
              ElementsAre("backbone.conv1.conv.weight", "cls_head.fc_cls.weight"));
  EXPECT_THAT(NamesOfStream(model, Stream::kPose),
              ElementsAre("backbone.layer1.0.conv1.bn.bias", "cls_head.fc_cls.weight"));
  for (const Stream stream : {Stream::kRgb, Stream::kPose}) {
    for (const std::string& name : NamesOfStream(model, stream)) {
      EXPECT_TRUE(model.contains(NameInStream(name, stream))) << name;
    }
  }
  EXPECT_EQ(NameInStream("other.weight", Stream::kRgb), "other.weight");
}

// mmaction2's RGBPoseConv3D: 128 and 256 channels into RGB, 32 and 64 into pose.
TEST(StreamMergeTest, LateralsWidenOnlyTheFirstBlockAfterThem) {
  const auto entry = [](const std::string& name, std::vector<int64_t> shape) {
    return WeightEntry{name, WeightType::kF32, std::move(shape), 0, 0};
  };
  const std::string rgb = "backbone.rgb_path.", pose = "backbone.pose_path.";
  EXPECT_THAT(LateralInputs({entry(rgb + "layer2_lateral.conv.weight", {128, 100, 7, 1, 1}),
                             entry(rgb + "layer3.1.conv1.conv.weight", {256, 1024, 3, 1, 1}),
                             entry(pose + "layer1_lateral.conv.weight", {512, 32, 7, 1, 1}),
                             entry(pose + "layer1_lateral.bn.weight", {32})}),
              UnorderedElementsAre(Pair(rgb + "layer3.0.conv1.conv.weight", 128),
                                   Pair(rgb + "layer3.0.downsample.conv.weight", 128),
                                   Pair(pose + "layer2.0.conv1.conv.weight", 32),
                                   Pair(pose + "layer2.0.downsample.conv.weight", 32)));
}

}  // namespace
}  // namespace slimreel
