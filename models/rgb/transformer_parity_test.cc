// Compares the video transformers with plain PyTorch, by fixtures of
// tools/parity/make_transformer_fixtures.py.
#include <ATen/core/grad_mode.h>
#include <ATen/ops/equal.h>
#include <gtest/gtest.h>

#include "models/losses/cross_entropy.h"
#include "models/rgb/timesformer.h"
#include "models/rgb/video_vit.h"
#include "models/testing/parity.h"

namespace slimreel {
namespace {

using Stages = std::vector<std::unique_ptr<Stage>>;

// The fixtures' sizes: 4 frames of 32x32, 24 features, 3 heads, 2 layers.
ModelSpec SmallSpec(at::ScalarType dtype) {
  ModelSpec spec;
  spec.num_classes = 5;
  spec.num_frames = 4;
  spec.height = spec.width = 32;
  spec.dtype = dtype;
  return spec;
}

Stages SmallVideoVit(at::ScalarType dtype) {
  return MakeVideoVitStages({24, 3, 2, 96, 2, 16}, SmallSpec(dtype));
}

Stages SmallTimesformer(at::ScalarType dtype) {
  return MakeTimesformerStages({24, 3, 2, 96, 16}, SmallSpec(dtype));
}

void ExpectFixture(const std::string& file, Stages (*make)(at::ScalarType)) {
  ExpectParity(
      "models/rgb/testdata/" + file, [make](const nlohmann::json& fixture, at::ScalarType dtype) {
        return ParityChain{make(dtype),
                           std::make_unique<CrossEntropy>(fixture["label_smoothing"].get<double>(),
                                                          fixture["class_weights"])};
      });
}

TEST(VideoVitTest, EqualsTheReferenceInBothPrecisionsModesAndForms) {
  ExpectFixture("video_vit.json", SmallVideoVit);
}

TEST(TimesformerTest, EqualsTheReferenceInBothPrecisionsModesAndForms) {
  ExpectFixture("timesformer.json", SmallTimesformer);
}

// The factory's test of all models leaves out the models that are slow to build.
TEST(TimesformerTest, EveryStageGivesTheSameBitsWithoutGradAndWritesNoInput) {
  ModelSpec spec = SmallSpec(at::kFloat);
  spec.dropout = spec.drop_path = 0.3;
  StageContext context;
  context.training = true;
  Tensors slots{FormulaTensor("input", {2, 3, 4, 32, 32}).to(at::kFloat)};
  for (const auto& stage : MakeTimesformerStages({24, 3, 2, 96, 16}, spec)) {
    const Tensors out = stage->Forward(context, slots);
    const at::Tensor copy = slots[0].clone();
    at::NoGradGuard no_grad;
    EXPECT_TRUE(at::equal(stage->Forward(context, slots)[0], out[0])) << stage->name();
    EXPECT_TRUE(at::equal(copy, slots[0])) << stage->name();
    slots = out;
  }
}

}  // namespace
}  // namespace slimreel
