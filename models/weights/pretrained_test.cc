#include "models/weights/pretrained.h"

#include <ATen/ops/allclose.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/conv3d.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <ATen/ops/zeros.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <map>

#include "base/test_files.h"
#include "models/weights/weights.h"

namespace slimreel {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

class Parts : public Stage {
 public:
  explicit Parts(std::vector<NamedTensor> tensors) : Stage("parts") {
    for (NamedTensor& named : tensors) state_.parameters.push_back(std::move(named));
  }
  Tensors Forward(const StageContext& /*context*/, Tensors in) override { return in; }
};

// A model of tensors that all hold -1.
Model ModelOf(const std::map<std::string, std::vector<int64_t>>& shapes) {
  Model model;
  model.name = "tested";
  model.num_classes = 7;
  std::vector<NamedTensor> tensors;
  for (const auto& [name, shape] : shapes) {
    tensors.push_back({name, at::full(shape, -1, at::kFloat).requires_grad_()});
  }
  model.stages.push_back(std::make_unique<Parts>(std::move(tensors)));
  return model;
}

at::Tensor Of(const Model& model, const std::string& name) {
  for (const NamedTensor& named : Parameters(model)) {
    if (named.name == name) return named.tensor.detach();
  }
  ADD_FAILURE() << name;
  return {};
}

// Element i is i + 1, which float16 and bfloat16 hold exactly for small tensors.
at::Tensor Counted(at::IntArrayRef shape, at::ScalarType type = at::kFloat) {
  return at::arange(1, c10::multiply_integers(shape) + 1, at::kLong).to(type).view(shape);
}

std::string File(const std::string& name, const std::vector<NamedTensor>& tensors) {
  const std::string path = TestFolder(name) + "/" + name + ".safetensors";
  EXPECT_TRUE(SaveWeights(path, tensors).ok());
  return path;
}

absl::StatusOr<PretrainedReport> Load(const Model& model, const std::string& paths) {
  const auto files = OpenPretrained(paths);
  if (!files.ok()) return files.status();
  return LoadPretrained(model, *files);
}

TEST(PretrainedTest, AHeadOfOtherClassesStartsAnewAndANoteSaysSo) {
  const Model model = ModelOf({{"stem.0.weight", {2, 3}}, {"fc.weight", {7, 2}}, {"fc.bias", {7}}});
  const std::string path = File("classes", {{"stem.0.weight", Counted({2, 3})},
                                            {"fc.weight", Counted({5, 2})},
                                            {"fc.bias", Counted({5})}});
  const auto report = Load(model, path);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->loaded, 1);
  EXPECT_THAT(report->notes,
              Contains(HasSubstr("the head for 7 classes starts anew (fc.bias, fc.weight)")));
  EXPECT_TRUE(at::equal(Of(model, "stem.0.weight"), Counted({2, 3})));
  EXPECT_TRUE(at::equal(Of(model, "fc.weight"), at::full({7, 2}, -1, at::kFloat)));
}

TEST(PretrainedTest, HalfPrecisionFilesOfSeveralShardsFillAFloat32Model) {
  const Model model = ModelOf({{"a", {6, 5}}, {"b", {4}}});
  const std::string folder = TestFolder("shards");
  ASSERT_TRUE(
      SaveWeights(folder + "/1.safetensors", {{"module.a", Counted({6, 5}, at::kHalf)}}).ok());
  ASSERT_TRUE(
      SaveWeights(folder + "/2.safetensors", {{"module.b", Counted({4}, at::kBFloat16)}}).ok());
  WriteTestFile(folder + "/model.safetensors.index.json",
                R"({"weight_map": {"module.a": "1.safetensors", "module.b": "2.safetensors"}})");
  const auto report = Load(model, folder);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->loaded, 2);
  EXPECT_TRUE(at::equal(Of(model, "a"), Counted({6, 5})));
  EXPECT_TRUE(at::equal(Of(model, "b"), Counted({4})));
}

TEST(PretrainedTest, AnInflatedKernelGivesAStillClipTheImagesResult) {
  const Model model =
      ModelOf({{"backbone.conv1.conv.weight", {4, 3, 5, 3, 3}}, {"backbone.conv1.bn.weight", {4}}});
  const at::Tensor kernel = Counted({4, 3, 3, 3}).div_(100);
  const auto report = Load(model, File("resnet", {{"conv1.weight", kernel},
                                                  {"bn1.weight", Counted({4})},
                                                  {"fc.weight", Counted({10, 4})}}));
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_THAT(report->notes, Contains(HasSubstr("inflated 1 2-D kernels")));
  const at::Tensor picture = Counted({1, 3, 6, 6}).div_(50);
  const at::Tensor clip = picture.unsqueeze(2).expand({1, 3, 5, 6, 6}).contiguous();
  const at::Tensor video = at::conv3d(clip, Of(model, "backbone.conv1.conv.weight"));
  EXPECT_TRUE(at::allclose(video.squeeze(2), at::conv2d(picture, kernel), 1e-5, 1e-5));
  EXPECT_TRUE(at::equal(Of(model, "backbone.conv1.bn.weight"), Counted({4})));
}

// The names and proportions of RGBPoseConv3D's first lateral.
Model TwoStreams() {
  return ModelOf({{"backbone.rgb_path.conv1.conv.weight", {2, 3, 1, 3, 3}},
                  {"backbone.rgb_path.layer3.0.conv1.conv.weight", {4, 10, 3, 1, 1}},
                  {"backbone.rgb_path.layer2_lateral.conv.weight", {2, 2, 7, 1, 1}},
                  {"backbone.pose_path.conv1.conv.weight", {2, 17, 1, 3, 3}},
                  {"backbone.pose_path.layer1_lateral.bn.weight", {2}},
                  {"cls_head.fc_rgb.weight", {7, 4}},
                  {"cls_head.fc_pose.weight", {7, 2}}});
}

std::string RgbFile() {
  return File("rgb", {{"backbone.conv1.conv.weight", Counted({2, 3, 1, 3, 3})},
                      {"backbone.layer3.0.conv1.conv.weight", Counted({4, 8, 3, 1, 1})},
                      {"cls_head.fc_cls.weight", Counted({7, 4})}});
}

std::string PoseFile() {
  return File("pose", {{"backbone.conv1.conv.weight", Counted({2, 17, 1, 3, 3})},
                       {"cls_head.fc_cls.weight", Counted({7, 2})}});
}

TEST(PretrainedTest, RgbAndPoseAreMergedAndTheLateralsChannelsStartAtZero) {
  const Model model = TwoStreams();
  const auto report = Load(model, RgbFile() + "," + PoseFile());
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->loaded, 5);
  EXPECT_TRUE(
      at::equal(Of(model, "backbone.rgb_path.conv1.conv.weight"), Counted({2, 3, 1, 3, 3})));
  EXPECT_TRUE(
      at::equal(Of(model, "backbone.pose_path.conv1.conv.weight"), Counted({2, 17, 1, 3, 3})));
  EXPECT_TRUE(at::equal(Of(model, "cls_head.fc_pose.weight"), Counted({7, 2})));
  const at::Tensor wide = Of(model, "backbone.rgb_path.layer3.0.conv1.conv.weight");
  EXPECT_TRUE(at::equal(wide.narrow(1, 0, 8), Counted({4, 8, 3, 1, 1})));
  EXPECT_TRUE(at::equal(wide.narrow(1, 8, 2), at::zeros({4, 2, 3, 1, 1})));
  EXPECT_TRUE(at::equal(Of(model, "backbone.rgb_path.layer2_lateral.conv.weight"),
                        at::full({2, 2, 7, 1, 1}, -1, at::kFloat)));
  EXPECT_THAT(report->notes, Contains(AllOf(HasSubstr("widened 1 kernels"),
                                            HasSubstr("rgb_path.layer3.0.conv1.conv.weight"))));
  EXPECT_THAT(report->notes, Contains(HasSubstr("2 tensors that the file lacks start anew")));
}

TEST(PretrainedTest, KernelsThatTheRecipeDoesNotNameAreNotWidened) {
  const Model model = TwoStreams();
  const std::string rgb =
      File("slim", {{"backbone.conv1.conv.weight", Counted({2, 1, 1, 3, 3})},
                    {"backbone.layer3.0.conv1.conv.weight", Counted({4, 7, 3, 1, 1})},
                    {"cls_head.fc_cls.weight", Counted({7, 4})}});
  const absl::Status status = Load(model, rgb + "," + PoseFile()).status();
  EXPECT_TRUE(absl::IsInvalidArgument(status));
  for (const char* part :
       {"backbone.rgb_path.conv1.conv.weight: the file has [2, 1, 1, 3, 3], the model [2, 3, 1, 3, "
        "3]",
        "backbone.rgb_path.layer3.0.conv1.conv.weight: the file has [4, 7, 3, 1, 1], the model [4, "
        "10, 3, 1, 1]"}) {
    EXPECT_THAT(std::string(status.message()), HasSubstr(part));
  }
}

TEST(PretrainedTest, StreamsInTheWrongOrderAreRefusedAndNothingIsWritten) {
  const Model model = TwoStreams();
  const auto report = Load(model, PoseFile() + "," + RgbFile());
  EXPECT_TRUE(absl::IsInvalidArgument(report.status()));
  EXPECT_THAT(std::string(report.status().message()),
              HasSubstr("backbone.rgb_path.conv1.conv.weight: the file has [2, 17, 1, 3, 3], the "
                        "model [2, 3, 1, 3, 3]"));
  for (const NamedTensor& named : Parameters(model)) {
    EXPECT_TRUE(named.tensor.detach().eq(-1).all().item<bool>()) << named.name;
  }
}

absl::StatusOr<std::optional<int64_t>> Classes(const Model& model, const std::string& paths) {
  const auto files = OpenPretrained(paths);
  if (!files.ok()) return files.status();
  return ClassesOfPretrained(model, *files);
}

TEST(PretrainedTest, ClassesComeFromTheHeadsThatTheModelTakes) {
  EXPECT_EQ(Classes(TwoStreams(), RgbFile() + "," + PoseFile()).value(), 7);
  const std::string three =
      File("three", {{"backbone.conv1.conv.weight", Counted({2, 17, 1, 3, 3})},
                     {"cls_head.fc_cls.weight", Counted({3, 2})}});
  const absl::Status differ = Classes(TwoStreams(), RgbFile() + "," + three).status();
  EXPECT_TRUE(absl::IsInvalidArgument(differ));
  EXPECT_THAT(std::string(differ.message()),
              AllOf(HasSubstr("rgb.safetensors has a head for 7 classes"),
                    HasSubstr("three.safetensors for 3")));
  const std::string bare =
      File("bare", {{"backbone.conv1.conv.weight", Counted({2, 17, 1, 3, 3})}});
  EXPECT_EQ(Classes(TwoStreams(), RgbFile() + "," + bare).value(), 7);
  EXPECT_EQ(Classes(TwoStreams(), bare + "," + bare).value(), std::nullopt);
}

TEST(PretrainedTest, TheHeadOfImagesGivesAVideoModelNoClasses) {
  const std::string pictures =
      File("pictures", {{"conv1.weight", Counted({2, 3, 3, 3})}, {"fc.weight", Counted({10, 2})}});
  EXPECT_EQ(Classes(ModelOf({{"stem.0.weight", {2, 3, 1, 3, 3}}, {"fc.weight", {7, 2}}}), pictures)
                .value(),
            std::nullopt);
  EXPECT_EQ(
      Classes(ModelOf({{"conv1.weight", {2, 3, 3, 3}}, {"fc.weight", {7, 2}}}), pictures).value(),
      10);
}

TEST(PretrainedTest, TwoFilesForOneStreamAreRefused) {
  const Model model = ModelOf({{"backbone.conv1.conv.weight", {2, 3, 1, 3, 3}}});
  const auto report = Load(model, RgbFile() + "," + PoseFile());
  EXPECT_TRUE(absl::IsInvalidArgument(report.status()));
  EXPECT_THAT(std::string(report.status().message()), HasSubstr("one file of weights"));
}

TEST(PretrainedTest, AWrongFileSaysWhatItLooksLikeAndWhatDoesNotFit) {
  const Model model =
      ModelOf({{"videomae.encoder.layer.0.output.dense.bias", {4}}, {"fc_norm.bias", {4}}});
  const std::string path =
      File("whisper", {{"model.decoder.embed_tokens.weight", Counted({2, 4})}});
  const absl::Status status = Load(model, path).status();
  EXPECT_TRUE(absl::IsInvalidArgument(status));
  for (const char* part :
       {"Hugging Face Whisper", "does not fit model tested",
        "missing in the file: 1\n    videomae.encoder.layer.0.output.dense.bias [4]",
        "surplus in the file: 1", "No key of the file belongs to tested"}) {
    EXPECT_THAT(std::string(status.message()), HasSubstr(part));
  }
}

TEST(PretrainedTest, AnotherSizeOfTheFamilyIsReportedAsSuch) {
  const Model model = ModelOf({{"model.decoder.embed_tokens.weight", {2, 8}},
                               {"model.decoder.layers.0.fc1.bias", {8}},
                               {"model.decoder.layers.1.fc1.bias", {8}}});
  const absl::Status status =
      Load(model, File("tiny", {{"model.decoder.embed_tokens.weight", Counted({2, 4})},
                                {"model.decoder.layers.0.fc1.bias", Counted({4})}}))
          .status();
  EXPECT_TRUE(absl::IsInvalidArgument(status));
  EXPECT_THAT(std::string(status.message()),
              AllOf(HasSubstr("another size of this family"), Not(HasSubstr("No key"))));
}

TEST(PretrainedTest, IntegersUnderAWeightsNameAreRefusedAndNothingIsWritten) {
  const Model model = ModelOf({{"conv1.weight", {4}}});
  const absl::Status status =
      Load(model, File("quantised", {{"conv1.weight", Counted({4}, at::kInt)}})).status();
  EXPECT_TRUE(absl::IsInvalidArgument(status));
  EXPECT_THAT(std::string(status.message()),
              AllOf(HasSubstr("of another dtype: 1\n    conv1.weight: the file has I32, the model "
                              "F32"),
                    Not(HasSubstr("No key"))));
  EXPECT_TRUE(at::equal(Of(model, "conv1.weight"), at::full({4}, -1, at::kFloat)));
}

// Bytes are compared in pieces of 4 MiB; the difference is after the first piece.
TEST(PretrainedTest, AnOutputLayerThatIsNotTheEmbeddingIsRefused) {
  const std::vector<int64_t> shape{1 << 18, 5};
  const Model model = ModelOf({{"model.decoder.embed_tokens.weight", shape}});
  const at::Tensor tokens = Counted(shape), untied = tokens.clone();
  const auto load = [&](const char* name, const at::Tensor& output) {
    return Load(model, File(name, {{"model.decoder.embed_tokens.weight", tokens},
                                   {"proj_out.weight", output}}));
  };
  const auto tied = load("tied", tokens.clone());
  ASSERT_TRUE(tied.ok()) << tied.status();
  EXPECT_THAT(tied->notes,
              Contains(HasSubstr("left out proj_out.weight, which is embed_tokens.weight")));
  untied[(1 << 18) - 1][4].fill_(0);
  for (const at::Tensor& output : {untied, tokens.to(at::kDouble), tokens.narrow(0, 0, 7)}) {
    const absl::Status status = load("untied", output.contiguous()).status();
    EXPECT_TRUE(absl::IsInvalidArgument(status));
    EXPECT_THAT(std::string(status.message()),
                HasSubstr("proj_out.weight differs from model.decoder.embed_tokens.weight"));
  }
}

at::Tensor WithBad(at::Tensor tensor, float value, int64_t at) {
  tensor.view({-1})[at].fill_(value);
  return tensor;
}

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInf = std::numeric_limits<float>::infinity();

// Values are copied in pieces of 4 MiB; one bad value is after the first piece.
TEST(PretrainedTest, NonFiniteWeightsAreRefusedWithTheirNamesAndCounts) {
  const Model model = ModelOf({{"stem.0.weight", {1 << 11, 1 << 10}}, {"a", {4}}, {"b", {4}}});
  at::Tensor large = at::full({1 << 11, 1 << 10}, 0.5, at::kFloat);
  WithBad(WithBad(large, kNan, 7), -kInf, (1 << 21) - 1);
  for (const at::ScalarType type : {at::kFloat, at::kDouble, at::kHalf, at::kBFloat16}) {
    const std::string path = File("nan", {{"module.stem.0.weight", large.to(type)},
                                          {"module.a", WithBad(Counted({4}), kInf, 0).to(type)},
                                          {"module.b", Counted({4}, type)}});
    const absl::Status status = Load(model, path).status();
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
    EXPECT_THAT(std::string(status.message()),
                AllOf(HasSubstr(path), HasSubstr("tensors with such values: 2\n"),
                      HasSubstr("module.stem.0.weight: 2 of 2097152 values"),
                      HasSubstr("module.a: 1 of 4 values"), Not(HasSubstr("module.b")),
                      HasSubstr("take weights of an earlier step")));
  }
}

TEST(PretrainedTest, Float64BeyondTheModelsFloat32IsRefused) {
  const Model model = ModelOf({{"a", {4}}});
  const at::Tensor wide = at::full({4}, 1e300, at::kDouble);
  const absl::Status status = Load(model, File("wide", {{"a", wide}})).status();
  EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("a: 4 of 4 values"));
}

TEST(PretrainedTest, InflatedAndMergedNonFiniteWeightsAreRefused) {
  const Model resnet =
      ModelOf({{"backbone.conv1.conv.weight", {4, 3, 5, 3, 3}}, {"backbone.conv1.bn.weight", {4}}});
  const absl::Status inflated =
      Load(resnet, File("resnet", {{"conv1.weight", WithBad(Counted({4, 3, 3, 3}), kNan, 5)},
                                   {"bn1.weight", Counted({4})}}))
          .status();
  EXPECT_THAT(std::string(inflated.message()), HasSubstr("conv1.weight: 1 of 108 values"));
  const std::string rgb = File(
      "rgb", {{"backbone.conv1.conv.weight", Counted({2, 3, 1, 3, 3})},
              {"backbone.layer3.0.conv1.conv.weight", WithBad(Counted({4, 8, 3, 1, 1}), kNan, 95)},
              {"cls_head.fc_cls.weight", Counted({7, 4})}});
  const absl::Status merged = Load(TwoStreams(), rgb + "," + PoseFile()).status();
  EXPECT_TRUE(absl::IsInvalidArgument(merged)) << merged;
  EXPECT_THAT(std::string(merged.message()),
              AllOf(HasSubstr(rgb), Not(HasSubstr("pose.safetensors")),
                    HasSubstr("backbone.layer3.0.conv1.conv.weight: 1 of 96 values")));
}

// None of its values is used.
TEST(PretrainedTest, AHeadThatStartsAnewMayHoldAnyValues) {
  const Model model = ModelOf({{"stem.0.weight", {2, 3}}, {"fc.weight", {7, 2}}});
  EXPECT_TRUE(Load(model, File("head", {{"stem.0.weight", Counted({2, 3})},
                                        {"fc.weight", WithBad(Counted({5, 2}), kNan, 0)}}))
                  .ok());
}

// A ResNet-101 holds every tensor of a ResNet-50, and more.
TEST(PretrainedTest, ALargerModelsFileIsRefusedForItsSurplus) {
  const Model model = ModelOf({{"layer3.0.conv1.weight", {4}}});
  const absl::Status status = Load(model, File("deep", {{"layer3.0.conv1.weight", Counted({4})},
                                                        {"layer3.6.conv1.weight", Counted({4})}}))
                                  .status();
  EXPECT_TRUE(absl::IsInvalidArgument(status));
  EXPECT_THAT(std::string(status.message()), HasSubstr("layer3.6.conv1.weight [4]"));
}

}  // namespace
}  // namespace slimreel
