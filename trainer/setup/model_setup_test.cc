#include "trainer/setup/model_setup.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace slimreel {
namespace {

Config Small(const std::string& name, int64_t frames) {
  Config config;
  config.model.name = name;
  config.data.img_height = config.data.img_width = 32;
  config.data.num_frames = frames;
  return config;
}

std::unique_ptr<Model> MakeModel(const Config& config) {
  auto model = SetUpModel(config, /*num_classes=*/3, at::kCPU, /*load_weights=*/true);
  EXPECT_TRUE(model.ok()) << model.status();
  return std::move(*model);
}

bool Trains(const Model& model, const std::string& name) {
  for (const NamedTensor& named : Parameters(model)) {
    if (named.name == name) return named.tensor.requires_grad();
  }
  ADD_FAILURE() << name;
  return false;
}

TEST(ModelSetupTest, FrozenPrefixesAndNoOthersStopLearning) {
  Config config = Small("r3d_nano", 8);
  config.model.freeze = {"stem"};
  const auto model = MakeModel(config);
  EXPECT_FALSE(Trains(*model, "stem.0.weight"));
  EXPECT_TRUE(Trains(*model, "fc.weight"));
  config.model.freeze = {"stam"};
  const auto refused = SetUpModel(config, 3, at::kCPU, true);
  EXPECT_TRUE(absl::IsInvalidArgument(refused.status()));
  EXPECT_NE(refused.status().message().find("stam"), absl::string_view::npos) << refused.status();
}

TEST(ModelSetupTest, WeightsAreReadOnlyForANewRun) {
  Config config = Small("r3d_nano", 8);
  config.model.weights = "/nowhere/weights.safetensors";
  const auto begun = SetUpModel(config, 3, at::kCPU, /*load_weights=*/true);
  EXPECT_NE(begun.status().message().find("/nowhere/weights.safetensors"), absl::string_view::npos);
  EXPECT_TRUE(SetUpModel(config, 3, at::kCPU, /*load_weights=*/false).ok());
}

TEST(ModelSetupTest, AGroupWithOneValuePerChannelIsRefused) {
  const auto one_frame = MakeModel(Small("resnet18", 1)), two = MakeModel(Small("resnet18", 2));
  const auto transformer = MakeModel(Small("video_vit_nano", 2));
  EXPECT_TRUE(HasBatchNorm(*one_frame));
  EXPECT_FALSE(HasBatchNorm(*transformer));
  const absl::Status refused = CheckNormGroup(*one_frame, 1);
  EXPECT_TRUE(absl::IsInvalidArgument(refused));
  EXPECT_NE(refused.message().find("1 x 32x32"), absl::string_view::npos) << refused;
  EXPECT_TRUE(CheckNormGroup(*one_frame, 2).ok());
  EXPECT_TRUE(CheckNormGroup(*two, 1).ok());
  EXPECT_TRUE(CheckNormGroup(*transformer, 0).ok());
}

// kMeta stands for an accelerator.
TEST(ModelSetupTest, ParametersBuffersAndConstantsMoveToTheDevice) {
  Config config = Small("video_vit_nano", 2);
  config.train.class_weights = {1.0, 2.0, 3.0};
  const auto transformer = MakeModel(config);
  const auto convnet = MakeModel(Small("r3d_nano", 2));
  for (const Model* model : {transformer.get(), convnet.get()}) {
    MoveTo(*model, at::kMeta);
    for (const NamedTensor& named : Parameters(*model)) {
      EXPECT_TRUE(named.tensor.is_meta() && named.tensor.requires_grad()) << named.name;
    }
    for (const auto& list : {Buffers(*model), Constants(*model)}) {
      for (const NamedTensor& named : list) EXPECT_TRUE(named.tensor.is_meta()) << named.name;
    }
  }
  std::vector<std::string> names;
  for (const NamedTensor& constant : Constants(*transformer)) names.push_back(constant.name);
  EXPECT_EQ(names, (std::vector<std::string>{"scale", "shift", "positions", "class_weights"}));
}

TEST(ModelSetupTest, WarnsOfSettingsThatTheModelDoesNotUse) {
  Config config = Small("video_vit_nano", 2);
  const auto model = MakeModel(config);
  const auto warnings = [&] {
    testing::internal::CaptureStderr();
    WarnUnused(config, *model);
    return testing::internal::GetCapturedStderr();
  };
  EXPECT_EQ(warnings(), "");
  config.data.load_rgb = true;
  EXPECT_EQ(warnings(), "");
  config.data.load_kpt = true;
  config.model.norm_group.kind = NormGroup::Kind::kFrozen;
  const std::string both = warnings();
  EXPECT_NE(both.find("data.load_kpt is true, but video_vit_nano reads no"), std::string::npos);
  EXPECT_NE(both.find("model.norm_group changes nothing"), std::string::npos) << both;
}

}  // namespace
}  // namespace slimreel
