#include "models/weights/stream_merge.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace slimreel {
namespace {

using ::testing::ElementsAre;

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
      EXPECT_TRUE(model.contains(InStream(name, stream))) << name;
    }
  }
  EXPECT_EQ(InStream("other.weight", Stream::kRgb), "other.weight");
}

}  // namespace
}  // namespace slimreel
