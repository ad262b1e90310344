// Loads published kinds of files into whole models of the factory, which are small or at a small
// size.
#include <ATen/ops/equal.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>

#include "base/test_files.h"
#include "models/factory/factory.h"
#include "models/weights/pretrained.h"
#include "models/weights/weights.h"

namespace slimreel {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

std::unique_ptr<Model> ResNet18(TemporalPooling pooling, int64_t num_classes, uint64_t seed) {
  ModelSpec spec;
  spec.name = "resnet18";
  spec.num_classes = num_classes;
  spec.num_frames = 2;
  spec.height = spec.width = 32;
  spec.temporal_pooling = pooling;
  spec.seed = seed;
  auto model = BuildModel(spec);
  EXPECT_TRUE(model.ok()) << model.status();
  return std::move(*model);
}

std::map<std::string, at::Tensor> TensorsOf(const Model& model) {
  std::map<std::string, at::Tensor> tensors;
  for (const NamedTensor& named : Parameters(model)) {
    tensors[named.name] = named.tensor.detach().clone();
  }
  return tensors;
}

// An ImageNet checkpoint: torchvision's keys, and no temporal.*.
std::string ImageNetFile(const Model& picture_model) {
  const std::string path = TestFolder("imagenet") + "/resnet18.safetensors";
  std::vector<NamedTensor> tensors = Parameters(picture_model);
  for (NamedTensor& buffer : Buffers(picture_model)) tensors.push_back(std::move(buffer));
  EXPECT_TRUE(SaveWeights(path, tensors).ok());
  return path;
}

PretrainedReport Load(const Model& model, const std::string& path) {
  const auto files = OpenPretrained(path);
  EXPECT_TRUE(files.ok()) << files.status();
  const auto report = LoadPretrained(model, *files);
  EXPECT_TRUE(report.ok()) << report.status();
  return report.ok() ? *report : PretrainedReport();
}

// The head reads the LSTM, so it starts anew even if its shape happens to equal the file's.
TEST(PretrainedModelsTest, AnLstmOverFramesStartsFromAnImageNetFileWithANewHead) {
  const auto pictures = ResNet18(TemporalPooling::kMean, 10, /*seed=*/1);
  const std::string path = ImageNetFile(*pictures);
  const auto from_file = TensorsOf(*pictures);
  for (const int64_t classes : {10, 3}) {
    const auto model = ResNet18(TemporalPooling::kLstm, classes, /*seed=*/2);
    const auto fresh = TensorsOf(*model);
    const PretrainedReport report = Load(*model, path);
    for (const auto& [name, tensor] : TensorsOf(*model)) {
      const bool anew = name.starts_with("fc.") || name.starts_with("temporal.");
      EXPECT_TRUE(at::equal(tensor, anew ? fresh.at(name) : from_file.at(name))) << name;
    }
    EXPECT_THAT(report.notes, Contains(HasSubstr("left out the head (fc)")));
    EXPECT_THAT(report.notes, Contains(AllOf(HasSubstr("the head for "),
                                             HasSubstr("starts anew (fc.weight, fc.bias)"))));
    EXPECT_THAT(report.notes, Contains(HasSubstr("temporal.lstm.")));
  }
}

TEST(PretrainedModelsTest, AttentionOverFramesTakesTheHeadOverWhereTheClassesAgree) {
  const auto pictures = ResNet18(TemporalPooling::kMean, 10, /*seed=*/1);
  const std::string path = ImageNetFile(*pictures);
  const auto same = ResNet18(TemporalPooling::kAttention, 10, /*seed=*/2);
  const PretrainedReport report = Load(*same, path);
  EXPECT_TRUE(at::equal(TensorsOf(*same).at("fc.weight"), TensorsOf(*pictures).at("fc.weight")));
  EXPECT_THAT(report.notes, Contains(HasSubstr("temporal.attention.")));
  EXPECT_THAT(report.notes, Not(Contains(HasSubstr("the head for"))));
  const auto other = ResNet18(TemporalPooling::kAttention, 3, /*seed=*/2);
  const auto fresh = TensorsOf(*other);
  EXPECT_THAT(Load(*other, path).notes,
              Contains(HasSubstr("the head for 3 classes starts anew (fc.weight, fc.bias)")));
  EXPECT_TRUE(at::equal(TensorsOf(*other).at("fc.weight"), fresh.at("fc.weight")));
}

// A checkpoint of an own run has the LSTM's keys, so its head fits the model.
TEST(PretrainedModelsTest, AModelsOwnFileWithItsLstmIsTakenWhole) {
  const auto trained = ResNet18(TemporalPooling::kLstm, 3, /*seed=*/1);
  const auto model = ResNet18(TemporalPooling::kLstm, 3, /*seed=*/2);
  EXPECT_TRUE(Load(*model, ImageNetFile(*trained)).notes.empty());
  const auto expected = TensorsOf(*trained);
  for (const auto& [name, tensor] : TensorsOf(*model)) {
    EXPECT_TRUE(at::equal(tensor, expected.at(name))) << name;
  }
}

}  // namespace
}  // namespace slimreel
