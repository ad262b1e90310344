#include "models/factory/factory.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>

#include "models/factory/description.h"
#include "models/losses/cross_entropy.h"

namespace slimreel {
namespace {

using ::testing::HasSubstr;

ModelSpec Spec(const std::string& name, int64_t num_classes, int64_t size) {
  ModelSpec spec;
  spec.name = name;
  spec.num_classes = num_classes;
  spec.height = spec.width = size;
  return spec;
}

std::unique_ptr<Model> Build(const ModelSpec& spec) {
  auto model = BuildModel(spec);
  EXPECT_TRUE(model.ok()) << model.status();
  return std::move(*model);
}

// Compares keys and shapes with those that tools/parity/make_{conv,transformer}_fixtures.py wrote.
void ExpectKeys(const Model& model, const std::string& file) {
  std::ifstream stream("models/rgb/testdata/" + file);
  std::map<std::string, std::vector<int64_t>> got;
  for (const auto& list : {Parameters(model), Buffers(model)}) {
    for (const NamedTensor& named : list) got[named.name] = named.tensor.sizes().vec();
  }
  const auto expected = nlohmann::json::parse(stream).get<decltype(got)>();
  EXPECT_EQ(got, expected);
}

at::Tensor Pixels(int64_t batch, int64_t size) {
  return at::arange(batch * 3 * 16 * size * size, at::kLong)
      .mul(7919)
      .remainder(256)
      .to(at::kByte)
      .view({batch, 3, 16, size, size});
}

TEST(FactoryTest, VideoVitSmallHasHuggingFacesKeysAndCount) {
  const auto model = Build(Spec("video_vit_small", 400, 112));
  // VideoMAE's layers at d = 384: matrices 12 d^2; biases of q, v, projection (3 d) and of
  // the MLP (5 d); two LayerNorms (4 d). The same formula gives VideoMAE-B's 86,534,800.
  const int64_t d = 384;
  const int64_t layer = 12 * d * d + 12 * d;
  const int64_t patches = 3 * 2 * 16 * 16 * d + d;
  EXPECT_EQ(CountParameters(*model).published(), patches + 12 * layer + 2 * d + 400 * d + 400);
  ExpectKeys(*model, "video_vit_small_keys.json");
}

// Made-up inputs of a model: counters.
Tensors Inputs(const Model& model, int64_t batch) {
  Tensors slots;
  for (const InputSlot& slot : model.inputs) {
    std::vector<int64_t> sizes{batch};
    sizes.insert(sizes.end(), slot.sizes.begin(), slot.sizes.end());
    int64_t count = 1;
    for (int64_t size : sizes) count *= size;
    const at::Tensor counters = at::arange(count, at::kLong).mul(7919).view(sizes);
    switch (slot.kind) {
      case InputKind::kFrames:
        slots.push_back(counters.remainder(256).to(at::kByte));
        break;
      case InputKind::kTokens:
        slots.push_back(counters.remainder(100));
        break;
      default:
        slots.push_back(counters.remainder(11).to(at::kFloat));
    }
  }
  return slots;
}

at::Tensor Labels(const Model& model, int64_t batch) {
  for (const InputSlot& slot : model.inputs) {
    if (slot.kind == InputKind::kTokens) return at::zeros({batch, slot.sizes[0]}, at::kLong);
  }
  return at::zeros({batch}, at::kLong);
}

int64_t CountByShapes(ModelSpec spec) {
  spec.device = at::kMeta;
  return CountParameters(*Build(spec)).trained;
}

TEST(FactoryTest, EveryStageGivesTheSameBitsWithoutGradAndWritesNoInput) {
  constexpr int64_t kQuickToRun =
      40'000'000;  // parameters; larger models have the same stages, but wider
  for (const ModelEntry& entry : ModelTable()) {
    ModelSpec spec = Spec(entry.name, 6, 32);
    spec.dropout = 0.2;
    spec.heatmap_size = 8;
    spec.audio_frames = 20;
    spec.text_tokens = 8;
    if (CountByShapes(spec) > kQuickToRun) continue;
    const auto model = Build(spec);
    const Tensors targets{Labels(*model, 2)};
    StageContext context;
    context.training = true;
    context.targets = &targets;
    Tensors kept = Inputs(*model, 2);
    for (Stage* stage : model->ChainWithLoss()) {
      context.first_visit = true;
      const Tensors in = kept;
      std::vector<int64_t> versions;
      for (const at::Tensor& t : in) versions.push_back(static_cast<int64_t>(t._version()));
      kept = stage->Forward(context, in);
      at::NoGradGuard no_grad;
      context.first_visit = false;
      const Tensors again = stage->Forward(context, in);
      ASSERT_EQ(again.size(), kept.size());
      for (size_t i = 0; i < kept.size(); ++i) {
        EXPECT_TRUE(at::equal(again[i], kept[i])) << entry.name << " " << stage->name();
      }
      for (size_t i = 0; i < in.size(); ++i) {
        EXPECT_EQ(static_cast<int64_t>(in[i]._version()), versions[i]) << stage->name();
      }
      for (size_t i = 0; i < stage->handed_on().size(); ++i) {
        const int from = stage->handed_on()[i];
        if (from >= 0) {
          EXPECT_TRUE(kept[i].is_same(in[from])) << stage->name();
        }
      }
    }
    kept[0].backward();
    for (const NamedTensor& named : Parameters(*model)) {
      EXPECT_TRUE(named.tensor.grad().defined()) << entry.name << " " << named.name;
    }
  }
}

TEST(FactoryTest, FamilyOfANameSaysWhatTheModelReads) {
  EXPECT_EQ(FamilyOf("slowonly_r50"), ModelFamily::kRgb);
  EXPECT_EQ(FamilyOf("whisper_turbo"), ModelFamily::kSpeech);
  EXPECT_EQ(FamilyOf("r3d"), std::nullopt);
  for (const ModelEntry& entry : ModelTable()) {
    EXPECT_EQ(FamilyOf(entry.name), entry.family);
    ModelSpec spec = Spec(entry.name, 6, 64);
    spec.device = at::kMeta;
    const auto model = Build(spec);
    ModelNeeds read;
    for (const InputSlot& slot : model->inputs) {
      if (slot.kind == InputKind::kFrames) read.frames = true;
      if (slot.kind == InputKind::kKeypoints) read.keypoints = true;
      if (slot.kind == InputKind::kLogMel) read.audio = true;
    }
    const ModelNeeds needs = NeedsOf(entry.family);
    EXPECT_EQ(needs.frames, read.frames) << entry.name;
    EXPECT_EQ(needs.keypoints, read.keypoints) << entry.name;
    EXPECT_EQ(needs.audio, read.audio) << entry.name;
  }
}

TEST(FactoryTest, EveryModelTakesSixteenFramesOf64) {
  for (const ModelEntry& entry : ModelTable()) {
    ModelSpec spec = Spec(entry.name, 6, 64);
    spec.device = at::kMeta;
    EXPECT_TRUE(BuildModel(spec).ok()) << entry.name;
  }
}

TEST(FactoryTest, PixelsAreNormalisedAndFloatsPass) {
  const auto model = Build(Spec("video_vit_nano", 6, 64));
  const Tensors out = model->stages[0]->Forward({}, {Pixels(1, 64)});
  for (int c = 0; c < 3; ++c) {
    const double pixel = Pixels(1, 64)[0][c][3][5][7].item<double>();
    const double expected = (pixel / 255 - model->clip.mean[c]) / model->clip.std[c];
    EXPECT_NEAR(out[0][0][c][3][5][7].item<double>(), expected, 1e-5);
  }
  EXPECT_TRUE(model->stages[0]->Forward({}, out)[0].is_same(out[0]));
}

TEST(FactoryTest, SmoothingAndWeightsOfTheSpecReachTheLoss) {
  ModelSpec spec = Spec("rgbposeconv3d_nano", 3, 64);
  spec.label_smoothing = 0.2;
  spec.class_weights = {0.5, 2.0, 1.0};
  spec.loss_weights = {0.25, 3.0};
  const Tensors targets{at::tensor({2, 0}, at::kLong)};
  StageContext context;
  context.targets = &targets;
  const at::Tensor rgb = at::arange(6, at::kDouble).mul(0.7).cos().view({2, 3});
  const at::Tensor pose = at::arange(6, at::kDouble).mul(1.9).sin().view({2, 3});
  CrossEntropy reference(0.2, {0.5, 2.0, 1.0});
  const double of_rgb = reference.Forward(context, {rgb})[0].item<double>();
  const double of_pose = reference.Forward(context, {pose})[0].item<double>();
  EXPECT_NEAR(Build(spec)->loss->Forward(context, {rgb, pose})[0].item<double>(),
              0.25 * of_rgb + 3.0 * of_pose, 1e-12);
  spec.loss_weights = {1.0, 1.0};
  for (const char* name : {"r3d_nano", "posec3d_nano"}) {
    spec.name = name;
    EXPECT_NEAR(Build(spec)->loss->Forward(context, {rgb})[0].item<double>(), of_rgb, 1e-12);
    EXPECT_EQ(Build(spec)->loss->ValidWeight(targets), 1.5);
  }
}

// Whether two steps differ. In a forward pass, only dropout and drop-path depend on the step.
bool DropsAnything(const ModelSpec& spec) {
  const auto model = Build(spec);
  StageContext context;
  context.training = true;
  const auto last = [&](int64_t step) {
    context.step = step;
    Tensors slots = Inputs(*model, 2);
    for (const auto& stage : model->stages) slots = stage->Forward(context, slots);
    return slots[0];
  };
  at::NoGradGuard no_grad;
  return !at::equal(last(0), last(1));
}

TEST(FactoryTest, DropoutAndDropPathOfTheSpecReachTheNetworkElseTheReferencesApply) {
  for (const char* name : {"r3d_nano", "resnet18", "posec3d_nano", "rgbposeconv3d_nano",
                           "video_vit_nano", "whisper_nano"}) {
    ModelSpec spec = Spec(name, 6, 32);
    spec.num_frames = 2;
    spec.heatmap_size = 8;
    spec.audio_frames = 20;
    spec.text_tokens = 8;
    // mmaction2's heads have 0.5; torchvision's and Hugging Face's models have none.
    EXPECT_EQ(DropsAnything(spec), std::string(name).find("pose") != std::string::npos) << name;
    spec.dropout = 0.0;
    EXPECT_FALSE(DropsAnything(spec)) << name;
    spec.dropout = 0.5;
    EXPECT_TRUE(DropsAnything(spec)) << name;
  }
  for (const char* name : {"video_vit_nano", "whisper_nano"}) {
    ModelSpec spec = Spec(name, 6, 32);
    spec.audio_frames = 20;
    spec.text_tokens = 8;
    spec.drop_path = 0.5;
    EXPECT_TRUE(DropsAnything(spec)) << name;
  }
}

// A normalisation group counts clips, also if frames are folded into the batch.
TEST(FactoryTest, GroupsOfOneClipNormaliseLikeClipsAlone) {
  ModelSpec spec = Spec("resnet18", 5, 32);
  spec.num_frames = 2;
  const auto model = Build(spec);
  StageContext context;
  context.training = true;
  const auto logits = [&](int64_t group, const at::Tensor& clips) {
    context.norm_group = group;
    Tensors slots{clips};
    for (const auto& stage : model->stages) slots = stage->Forward(context, slots);
    return slots[0];
  };
  at::NoGradGuard no_grad;
  const at::Tensor clips = Inputs(*model, 2)[0];
  const at::Tensor together = logits(1, clips);
  for (int64_t b = 0; b < 2; ++b) {
    const at::Tensor alone = logits(0, clips.narrow(0, b, 1));
    EXPECT_LT(together.narrow(0, b, 1).sub(alone).norm().item<double>(),
              1e-4 * alone.norm().item<double>());
  }
}

// mmaction2's temporal_strides: (1, 1, 2) in its posec3d configurations, (1, 1, 1) in
// rgbpose_conv3d/pose_only.py.
TEST(FactoryTest, PoseOnlyKeepsTheFramesThatPoseC3dHalves) {
  const auto frames_before_the_head = [](const std::string& name) {
    ModelSpec spec = Spec(name, 5, 64);
    spec.num_frames = 6;
    spec.heatmap_size = 8;
    const auto model = Build(spec);
    at::NoGradGuard no_grad;
    Tensors slots = Inputs(*model, 1);
    for (const auto& stage : model->stages) {
      if (stage == model->stages.back()) break;
      slots = stage->Forward({}, slots);
    }
    return slots[0].size(2);
  };
  EXPECT_EQ(frames_before_the_head("posec3d"), 3);
  EXPECT_EQ(frames_before_the_head("posec3d_pose_only"), 6);
}

// A joint in the middle of an empty plane: its neighbour one pixel away has exp(-1 / (2 sigma^2)).
TEST(FactoryTest, SigmaOfTheSpecReachesTheHeatmaps) {
  ModelSpec spec = Spec("posec3d_nano", 3, 64);
  spec.num_persons = spec.num_frames = spec.num_keypoints = 1;
  for (const double sigma : {0.6, 0.7}) {
    spec.heatmap_sigma = sigma;
    const at::Tensor joint = at::tensor({28.0, 28.0, 1.0}, at::kFloat).view({1, 1, 1, 1, 3});
    const at::Tensor plane = Build(spec)->stages[0]->Forward({}, {joint})[0][0][0][0];
    EXPECT_NEAR(plane[28][29].item<double>(), std::exp(-0.5 / (sigma * sigma)), 1e-6);
  }
}

TEST(FactoryTest, UnknownNameSuggestsTheNearest) {
  const auto model = BuildModel(Spec("r3d_nanno", 6, 64));
  EXPECT_TRUE(absl::IsNotFound(model.status()));
  EXPECT_THAT(std::string(model.status().message()), HasSubstr("nearest: r3d_nano"));
}

TEST(FactoryTest, SizesThatAModelDoesNotTakeSayWhatItTakes) {
  const auto odd_image = BuildModel(Spec("video_vit_nano", 6, 60));
  EXPECT_TRUE(absl::IsInvalidArgument(odd_image.status()));
  EXPECT_THAT(std::string(odd_image.status().message()), HasSubstr("multiples of 16"));
  ModelSpec odd_frames = Spec("video_vit_nano", 6, 64);
  odd_frames.num_frames = 7;
  EXPECT_THAT(std::string(BuildModel(odd_frames).status().message()), HasSubstr("multiple of 2"));
  EXPECT_THAT(std::string(BuildModel(Spec("r3d_18", 6, 16)).status().message()),
              HasSubstr("from 32x32 up"));
  ModelSpec weights = Spec("r3d_nano", 6, 64);
  weights.class_weights = {1.0, 2.0};
  EXPECT_THAT(std::string(BuildModel(weights).status().message()), HasSubstr("one per class"));
}

}  // namespace
}  // namespace slimreel
