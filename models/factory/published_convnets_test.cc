// Convolutional models have the published keys, shapes and parameter counts. The tests build them
// on kMeta, without memory.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>

#include "models/factory/description.h"
#include "models/factory/factory.h"

namespace slimreel {
namespace {

using ::testing::HasSubstr;

// Counts of torchvision (from its documentation) and of mmaction2 (31.76 M, and computed from its
// source).
struct Published {
  const char* name;
  int64_t num_classes;
  int64_t parameters;
  const char* folder;
  const char* keys = nullptr;  // the model whose keys these are; null: this one
};
constexpr Published kPublished[] = {
    {"r3d_18", 400, 33371472, "rgb"},
    {"mc3_18", 400, 11695440, "rgb"},
    {"r2plus1d_18", 400, 31505325, "rgb"},
    {"resnet18", 1000, 11689512, "rgb"},
    {"resnet50", 1000, 25557032, "rgb"},
    {"slowonly_r50", 60, 31757436, "rgb"},
    {"posec3d", 60, 2024860, "pose"},
    {"rgbposeconv3d", 60, 36147928, "rgbpose"},
    {"posec3d_pose_only", 60, 2024860, "pose", "posec3d"},
};

ModelSpec Shapes(const std::string& name, int64_t num_classes) {
  ModelSpec spec;
  spec.name = name;
  spec.num_classes = num_classes;
  spec.device = at::kMeta;
  return spec;
}

using Keys = std::map<std::string, std::vector<int64_t>>;

Keys KeysOf(const Model& model) {
  Keys keys;
  for (const auto& list : {Parameters(model), Buffers(model)}) {
    for (const NamedTensor& named : list) keys[named.name] = named.tensor.sizes().vec();
  }
  return keys;
}

TEST(PublishedConvnetsTest, KeysShapesAndCountsAreTheReferences) {
  for (const Published& published : kPublished) {
    const auto model = BuildModel(Shapes(published.name, published.num_classes));
    ASSERT_TRUE(model.ok()) << model.status();
    EXPECT_EQ(CountParameters(**model).published(), published.parameters) << published.name;
    // By tools/parity/make_conv_fixtures.py.
    const std::string keys = published.keys ? published.keys : published.name;
    std::ifstream file(std::string("models/") + published.folder + "/testdata/" + keys +
                       "_keys.json");
    EXPECT_EQ(KeysOf(**model), nlohmann::json::parse(file).get<Keys>()) << published.name;
  }
}

TEST(PublishedConvnetsTest, TheNanoModelsAreSmall) {
  for (const auto& [name, most] :
       {std::pair("posec3d_nano", 60000), {"rgbposeconv3d_nano", 800000}}) {
    const auto model = BuildModel(Shapes(name, 6));
    ASSERT_TRUE(model.ok()) << model.status();
    EXPECT_LT(CountParameters(**model).trained, most) << name;
  }
}

TEST(PublishedConvnetsTest, OptionsOfOtherFamiliesAreRefused) {
  ModelSpec fused = Shapes("posec3d_nano", 6);
  fused.fusion = StreamFusion::kCrossAttention;
  EXPECT_THAT(std::string(BuildModel(fused).status().message()), HasSubstr("model.fusion"));
  fused.name = "rgbposeconv3d_nano";
  EXPECT_TRUE(BuildModel(fused).ok());
  ModelSpec pooled = Shapes("r3d_nano", 6);
  pooled.temporal_pooling = TemporalPooling::kLstm;
  EXPECT_THAT(std::string(BuildModel(pooled).status().message()),
              HasSubstr("model.temporal_pooling"));
  pooled.name = "resnet18";
  EXPECT_TRUE(BuildModel(pooled).ok());
}

TEST(PublishedConvnetsTest, LossWeightsAreForTwoHeadsAndNotBothZero) {
  ModelSpec spec = Shapes("posec3d_nano", 6);
  spec.loss_weights = {1.0, 0.5};
  EXPECT_THAT(std::string(BuildModel(spec).status().message()), HasSubstr("model.loss_weights"));
  spec.name = "rgbposeconv3d_nano";
  EXPECT_TRUE(BuildModel(spec).ok());
  for (const std::array<double, 2> wrong : {std::array{0.0, 0.0}, {1.0, -0.5}}) {
    spec.loss_weights = wrong;
    EXPECT_THAT(std::string(BuildModel(spec).status().message()), HasSubstr("[rgb, pose]"));
  }
}

TEST(PublishedConvnetsTest, StreamsOfUnequalSizesAreRefused) {
  ModelSpec spec = Shapes("rgbposeconv3d_nano", 6);
  spec.height = spec.width = 112;
  spec.heatmap_size = 56;
  EXPECT_THAT(std::string(BuildModel(spec).status().message()), HasSubstr("an image of 224"));
  spec.height = spec.width = 224;
  EXPECT_TRUE(BuildModel(spec).ok());
}

}  // namespace
}  // namespace slimreel
