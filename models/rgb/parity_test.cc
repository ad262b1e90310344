// Stages against plain PyTorch in float64, by fixtures of
// tools/parity/make_rgb_fixtures.py, which says what they hold.
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "models/layers/keyed_random.h"
#include "models/losses/cross_entropy.h"
#include "models/rgb/r3d.h"
#include "models/rgb/video_vit.h"

namespace slimreel {
namespace {

using Stages = std::vector<std::unique_ptr<Stage>>;

nlohmann::json Fixture(const std::string& name) {
  std::ifstream file("models/rgb/testdata/" + name);
  return nlohmann::json::parse(file);
}

// `value` of make_rgb_fixtures.py.
at::Tensor Formula(const std::string& key, at::IntArrayRef sizes) {
  at::Tensor out = at::empty(sizes, at::kDouble);
  const uint64_t state = LayerId(key);
  for (int64_t i = 0; i < out.numel(); ++i) {
    const uint64_t bits = MixBits(state + 0x9e3779b97f4a7c15ull * static_cast<uint64_t>(i));
    out.mutable_data_ptr<double>()[i] = static_cast<double>(bits >> 11) * 0x1.0p-52 - 1.0;
  }
  return out;
}

// `randomise` of make_rgb_fixtures.py.
void Randomise(const std::vector<NamedTensor>& tensors) {
  at::NoGradGuard no_grad;
  for (const NamedTensor& named : tensors) {
    if (named.name.ends_with("num_batches_tracked")) continue;
    at::Tensor v = Formula(named.name, named.tensor.sizes());
    if (v.dim() > 1) {
      v = v * std::sqrt(3.0 / static_cast<double>(v[0].numel()));
    } else if (named.name.ends_with("running_var")) {
      v = 1.0 + 0.5 * v;
    } else if (named.name.ends_with("weight")) {
      v = 1.0 + 0.3 * v;
    } else {
      v = 0.2 * v;
    }
    named.tensor.detach().copy_(v);
  }
}

// Norm and projection, within `tolerance` of the norm.
void ExpectSummary(const nlohmann::json& expected, const std::string& name, const at::Tensor& got,
                   double tolerance) {
  const at::Tensor x = got.detach().to(at::kDouble).contiguous();
  const double norm = expected[0].get<double>();
  const double projection = (x * Formula("projection " + name, x.sizes())).sum().item<double>();
  // A gradient that is zero but for rounding is compared with 1.
  const double scale = std::max(norm, 1.0) * std::max(1.0, std::sqrt(double(x.numel())));
  EXPECT_NEAR(x.norm().item<double>(), norm, tolerance * scale) << name;
  EXPECT_NEAR(projection, expected[1].get<double>(), tolerance * scale) << name;
}

void ExpectCase(const nlohmann::json& fixture, const std::string& mode, const Stages& stages,
                double tolerance) {
  const nlohmann::json& expected = fixture[mode];
  for (const auto& stage : stages) {
    Randomise(stage->parameters());
    Randomise(stage->buffers());
  }
  const at::ScalarType dtype = stages[0]->parameters()[0].tensor.scalar_type();
  const Tensors targets{at::tensor(fixture["labels"].get<std::vector<int64_t>>(), at::kLong)};
  const auto weights = fixture["class_weights"].get<std::vector<double>>();
  StageContext context;
  context.training = mode == "train";
  context.targets = &targets;
  context.loss_denominator = LossDenominator(targets[0], weights);
  Tensors slots{Formula("input", fixture["input"].get<std::vector<int64_t>>()).to(dtype)};
  size_t compared = 0;
  for (const auto& stage : stages) {
    slots = stage->Forward(context, slots);
    if (!expected["activations"].contains(stage->name())) continue;
    ExpectSummary(expected["activations"][stage->name()], stage->name(), slots[0], tolerance);
    ++compared;
  }
  EXPECT_EQ(compared, expected["activations"].size());
  const auto logits = expected["logits"].get<std::vector<double>>();
  const at::Tensor got = slots[0].detach().flatten();
  ASSERT_EQ(got.numel(), static_cast<int64_t>(logits.size()));
  for (size_t i = 0; i < logits.size(); ++i) {
    EXPECT_NEAR(got[i].item<double>(), logits[i], tolerance * 10);
  }
  CrossEntropy loss_stage(fixture["label_smoothing"].get<double>(), weights);
  const at::Tensor loss = loss_stage.Forward(context, slots)[0];
  EXPECT_NEAR(loss.item<double>(), expected["loss"].get<double>(), tolerance);
  loss.backward();
  size_t gradients = 0;
  for (const auto& stage : stages) {
    for (const NamedTensor& named : stage->parameters()) {
      ASSERT_TRUE(named.tensor.grad().defined()) << named.name;
      ExpectSummary(expected["gradients"][named.name], named.name, named.tensor.grad(), tolerance);
      ++gradients;
    }
    for (const NamedTensor& named : stage->buffers()) {
      ExpectSummary(expected["buffers_after"][named.name], named.name, named.tensor, tolerance);
    }
  }
  EXPECT_EQ(gradients, expected["gradients"].size());
}

Stages SmallR3d() {
  R3dConfig config;
  config.stem_width = 4;
  config.layers = {{4, 1, {1, 1, 1}}, {6, 2, {2, 2, 2}}, {8, 1, {2, 2, 2}}, {10, 1, {2, 2, 2}}};
  ModelSpec spec;
  spec.num_classes = 5;
  spec.dtype = at::kDouble;
  return MakeR3dStages(config, spec);
}

Stages SmallVideoVit(at::ScalarType dtype) {
  ModelSpec spec;
  spec.num_classes = 5;
  spec.num_frames = 4;
  spec.height = spec.width = 32;
  spec.dtype = dtype;
  return MakeVideoVitStages({24, 3, 2, 96, 2, 16}, spec);
}

TEST(ParityTest, R3dEqualsTheReferenceInTraining) {
  ExpectCase(Fixture("r3d.json"), "train", SmallR3d(), 1e-11);
}

TEST(ParityTest, R3dEqualsTheReferenceInEvaluation) {
  ExpectCase(Fixture("r3d.json"), "eval", SmallR3d(), 1e-11);
}

TEST(ParityTest, VideoVitEqualsTheReferenceInTraining) {
  ExpectCase(Fixture("video_vit.json"), "train", SmallVideoVit(at::kDouble), 1e-11);
}

TEST(ParityTest, VideoVitEqualsTheReferenceInEvaluation) {
  ExpectCase(Fixture("video_vit.json"), "eval", SmallVideoVit(at::kDouble), 1e-11);
}

TEST(ParityTest, VideoVitInSinglePrecisionIsNear) {
  ExpectCase(Fixture("video_vit.json"), "train", SmallVideoVit(at::kFloat), 1e-5);
}

}  // namespace
}  // namespace slimreel
