#include "models/weights/key_rules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace slimreel {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::vector<WeightEntry> Entries(const std::vector<std::string>& names) {
  std::vector<WeightEntry> entries;
  for (const std::string& name : names) entries.push_back({name, WeightType::kF32, {2, 2}, 0, 0});
  return entries;
}

std::vector<std::string> Rename(const std::vector<std::string>& names,
                                const std::set<std::string>& model) {
  std::vector<std::string> renamed;
  for (const WeightEntry& entry : RenameKeys(Entries(names), model).entries) {
    renamed.push_back(entry.name);
  }
  return renamed;
}

TEST(KeyRulesTest, WrappersOfTrainingFrameworksAreLeftOut) {
  const std::set<std::string> model{"stem.0.weight", "fc.bias"};
  for (const std::string wrapper :
       {"", "module.", "state_dict.", "model.", "state_dict.module.", "_orig_mod.module.model."}) {
    EXPECT_THAT(Rename({wrapper + "stem.0.weight", wrapper + "fc.bias"}, model),
                ElementsAre("stem.0.weight", "fc.bias"))
        << wrapper;
  }
  // Not before every key, so it is not a wrapper.
  EXPECT_THAT(Rename({"module.stem.0.weight", "fc.bias"}, model),
              ElementsAre("module.stem.0.weight", "fc.bias"));
}

TEST(KeyRulesTest, WhispersOwnPrefixStaysAndIsAddedIfTheFileLacksIt) {
  const std::set<std::string> model{"model.encoder.conv1.weight",
                                    "model.decoder.embed_tokens.weight"};
  const auto kept = ElementsAre("model.encoder.conv1.weight", "model.decoder.embed_tokens.weight");
  EXPECT_THAT(Rename({"model.encoder.conv1.weight", "model.decoder.embed_tokens.weight"}, model),
              kept);
  EXPECT_THAT(Rename({"encoder.conv1.weight", "decoder.embed_tokens.weight"}, model), kept);
  EXPECT_THAT(
      Rename({"model.model.encoder.conv1.weight", "model.model.decoder.embed_tokens.weight"},
             model),
      kept);
}

TEST(KeyRulesTest, WhispersTiedOutputIsTakenOnce) {
  const std::set<std::string> model{"model.decoder.embed_tokens.weight"};
  EXPECT_THAT(Rename({"model.decoder.embed_tokens.weight", "proj_out.weight"}, model),
              ElementsAre("model.decoder.embed_tokens.weight", ""));
  EXPECT_THAT(Rename({"proj_out.weight"}, model), ElementsAre("model.decoder.embed_tokens.weight"));
  const auto tied = [&model](const std::vector<std::string>& names) {
    return RenameKeys(Entries(names), model).tied;
  };
  EXPECT_THAT(tied({"proj_out.weight", "other", "model.decoder.embed_tokens.weight"}),
              ElementsAre(std::pair<size_t, size_t>(0, 2)));
  EXPECT_THAT(tied({"proj_out.weight"}), IsEmpty());
}

TEST(KeyRulesTest, ImageResNetsTakeTheNamesOfBothVideoLayouts) {
  std::vector<WeightEntry> stored =
      Entries({"bn1.weight", "layer1.0.conv2.weight", "layer1.0.bn2.running_mean",
               "layer4.0.downsample.0.weight", "layer4.0.downsample.1.bias", "fc.weight"});
  stored.push_back({"conv1.weight", WeightType::kF32, {64, 3, 7, 7}, 0, 0});
  const auto names = [&](const std::set<std::string>& model) {
    std::vector<std::string> all;
    for (const WeightEntry& entry : RenameKeys(stored, model).entries) all.push_back(entry.name);
    return all;
  };
  // mmaction2, backbones/resnet3d.py: ConvModule.
  EXPECT_THAT(
      names({"backbone.conv1.conv.weight"}),
      ElementsAre("backbone.conv1.bn.weight", "backbone.layer1.0.conv2.conv.weight",
                  "backbone.layer1.0.conv2.bn.running_mean",
                  "backbone.layer4.0.downsample.conv.weight",
                  "backbone.layer4.0.downsample.bn.bias", "", "backbone.conv1.conv.weight"));
  // torchvision/models/video/resnet.py: Sequentials.
  EXPECT_THAT(names({"stem.0.weight"}),
              ElementsAre("stem.1.weight", "layer1.0.conv2.0.weight",
                          "layer1.0.conv2.1.running_mean", "layer4.0.downsample.0.weight",
                          "layer4.0.downsample.1.bias", "", "stem.0.weight"));
  // The network for images itself keeps all names.
  EXPECT_THAT(names({"conv1.weight", "fc.weight"}).back(), "conv1.weight");
  EXPECT_THAT(names({"conv1.weight", "fc.weight"})[5], "fc.weight");
}

TEST(KeyRulesTest, LayoutsAreRecognisedByTheirKeys) {
  EXPECT_EQ(LayoutOf(Entries({"backbone.rgb_path.conv1.conv.weight"})), "mmaction2 RGBPoseConv3D");
  EXPECT_EQ(LayoutOf(Entries({"backbone.conv1.conv.weight"})), "mmaction2 ResNet3d");
  EXPECT_EQ(LayoutOf(Entries({"model.decoder.embed_tokens.weight"})), "Hugging Face Whisper");
  EXPECT_EQ(LayoutOf(Entries({"what"})), "unknown keys");
}

TEST(KeyRulesTest, TheHeadGivesTheClasses) {
  EXPECT_EQ(ClassesOfHead({{"module.cls_head.fc_cls.weight", WeightType::kF32, {60, 512}, 0, 0}}),
            60);
  EXPECT_EQ(ClassesOfHead({{"classifier.weight", WeightType::kF32, {400, 768}, 0, 0}}), 400);
  EXPECT_EQ(ClassesOfHead(Entries({"layer.fc1.weight"})), std::nullopt);
  EXPECT_TRUE(IsHeadKey("cls_head.fc_rgb.bias"));
  EXPECT_FALSE(IsHeadKey("layer4.1.conv2.1.weight"));
}

TEST(KeyRulesTest, CountersAndThisProjectsOwnPartsMayBeAbsent) {
  EXPECT_TRUE(MayBeAbsent("layer1.0.bn1.num_batches_tracked"));
  EXPECT_TRUE(MayBeAbsent("cross_attention1.rgb.gate"));
  EXPECT_TRUE(MayBeAbsent("temporal.weight"));
  EXPECT_FALSE(MayBeAbsent("timesformer.encoder.layer.0.temporal_layernorm.bias"));
  EXPECT_FALSE(MayBeAbsent("layer1.0.bn1.running_mean"));
}

}  // namespace
}  // namespace slimreel
