#include "models/factory/description.h"

#include <ATen/ops/zeros.h>
#include <c10/util/Exception.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "memory/tracking/cpu_allocator.h"
#include "models/factory/factory.h"

namespace slimreel {
namespace {

std::unique_ptr<Model> Build(const std::string& name, int64_t size, int64_t classes) {
  ModelSpec spec;
  spec.name = name;
  spec.num_classes = classes;
  spec.height = spec.width = size;
  auto model = BuildModel(spec);
  EXPECT_TRUE(model.ok()) << model.status();
  return std::move(*model);
}

int64_t LiveBytes() { return ReadCpuMemory().live_bytes; }

int64_t Flops(const Model& model, int64_t batch) {
  int64_t flops = 0;
  for (const StageDescription& stage : DescribeStages(model, batch, LiveBytes))
    flops += stage.flops;
  return flops;
}

TEST(DescriptionTest, FlopsOfATransformerAreTheClosedForm) {
  const auto model = Build("video_vit_nano", 64, 10);
  const int64_t tokens = (16 / 2) * 4 * 4, dim = 128, hidden = 512, layers = 4, batch = 2;
  const int64_t patches = tokens * dim * 3 * 2 * 16 * 16;
  // Four maps dim x dim; the scores and their product with the values; two maps of the MLP.
  const int64_t layer =
      tokens * 4 * dim * dim + 2 * tokens * tokens * dim + tokens * 2 * dim * hidden;
  EXPECT_EQ(Flops(*model, batch), 2 * batch * (patches + layers * layer + dim * 10));
}

TEST(DescriptionTest, FlopsOfAResidualNetworkAreThoseOfItsKernelsAtTheirOutputs) {
  const auto model = Build("r3d_nano", 32, 10);
  // Outputs T x H x W by the first part of a key: the stem halves height and width, each layer
  // halves all three.
  const auto places = [](const std::string& key) -> int64_t {
    if (key.starts_with("stem")) return 16 * 16 * 16;
    if (key.starts_with("layer1")) return 8 * 8 * 8;
    if (key.starts_with("layer2")) return 4 * 4 * 4;
    return key.starts_with("layer3") ? 2 * 2 * 2 : 1;  // 1: the head, after the mean
  };
  int64_t expected = 0;
  for (const NamedTensor& named : Parameters(*model)) {
    if (named.tensor.dim() >= 2) expected += 2 * named.tensor.numel() * places(named.name);
  }
  EXPECT_EQ(Flops(*model, 1), expected);
  EXPECT_EQ(Flops(*model, 3), 3 * expected);
}

TEST(DescriptionTest, SpeechLossCountsOnlyItsForwardProduct) {
  const auto model = Build("whisper_nano", 64, 10);
  const int64_t positions = 448, dim = 128;
  EXPECT_EQ(DescribeStages(*model, 1, LiveBytes).back().flops,
            2 * positions * dim * model->num_classes);
}

TEST(DescriptionTest, EveryModelIsDescribedFromZerosOfItsOwnInputs) {
  for (const ModelEntry& entry : ModelTable()) {
    if (!std::string(entry.name).ends_with("_nano")) continue;
    const auto model = Build(entry.name, 64, 10);
    const auto stages = DescribeStages(*model, 2, LiveBytes);
    ASSERT_EQ(stages.size(), model->stages.size() + 1) << entry.name;
    EXPECT_TRUE(stages.back().output_sizes[0].empty()) << entry.name;  // the loss
    for (const StageDescription& stage : stages) {
      EXPECT_GE(stage.saved_bytes, 0) << entry.name << " " << stage.name;
      EXPECT_GE(stage.lean_saved_bytes, 0) << entry.name << " " << stage.name;
      EXPECT_LE(stage.lean_saved_bytes, stage.saved_bytes) << entry.name << " " << stage.name;
    }
  }
}

// Whether a normalisation group of one sample can be trained on.
bool OneSampleHasVariance(const Model& model) {
  StageContext context;
  context.training = true;
  context.first_visit = false;
  Tensors slots;
  for (const InputSlot& slot : model.inputs) {
    std::vector<int64_t> sizes{1};
    sizes.insert(sizes.end(), slot.sizes.begin(), slot.sizes.end());
    slots.push_back(at::zeros(sizes, slot.kind == InputKind::kFrames ? at::kByte : at::kFloat));
  }
  try {
    for (Stage* stage : model.Chain()) slots = stage->Forward(context, std::move(slots));
  } catch (const c10::Error&) {
    return false;
  }
  return true;
}

TEST(FewestNormValuesTest, AreThoseOfTheLastFeatureMap) {
  const auto build = [](const char* name, int64_t size, int64_t frames) {
    ModelSpec spec;
    spec.name = name;
    spec.height = spec.width = size;
    spec.num_frames = frames;
    auto model = BuildModel(spec);
    EXPECT_TRUE(model.ok()) << model.status();
    return std::move(*model);
  };
  const struct {
    const char* name;
    int64_t size, frames, values;
  } cases[] = {
      {"resnet18", 32, 1, 1},      // halved five times, frame by frame
      {"resnet18", 32, 3, 3},      //
      {"resnet18", 64, 2, 8},      //
      {"r3d_18", 32, 8, 4},        // 32 -> 2 both ways, 8 -> 1
      {"slowonly_r50", 32, 2, 2},  // time is never halved
      {"video_vit_nano", 32, 2, 0},
  };
  for (const auto& test : cases) {
    const auto model = build(test.name, test.size, test.frames);
    EXPECT_EQ(FewestNormValues(*model), test.values) << test.name << " " << test.size;
    EXPECT_EQ(OneSampleHasVariance(*model), test.values != 1) << test.name << " " << test.size;
  }
}

TEST(DescriptionTest, RunningStatisticsDoNotMove) {
  const auto model = Build("r3d_nano", 32, 4);
  DescribeStages(*model, 2, LiveBytes);
  for (const NamedTensor& buffer : Buffers(*model)) {
    if (!buffer.name.ends_with("num_batches_tracked")) continue;
    EXPECT_EQ(buffer.tensor.item<int64_t>(), 0) << buffer.name;
  }
}

}  // namespace
}  // namespace slimreel
