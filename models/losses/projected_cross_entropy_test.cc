#include "models/losses/projected_cross_entropy.h"

#include <ATen/TensorOperators.h>
#include <ATen/autocast_mode.h>
#include <ATen/core/Reduction.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>

#include <utility>

#include "memory/tracking/cpu_allocator.h"
#include "models/testing/parity.h"

namespace slimreel {
namespace {

constexpr int64_t kBatch = 3, kTokens = 14, kFeatures = 6, kVocabulary = 37;

at::Tensor Leaf(const std::string& key, at::IntArrayRef sizes) {
  return FormulaTensor(key, sizes).mul(3.0).requires_grad_();
}

// Every fifth has no label.
at::Tensor Labels() {
  std::vector<int64_t> labels(kBatch * kTokens);
  for (size_t i = 0; i < labels.size(); ++i) {
    labels[i] = i % 5 == 3 ? -100 : static_cast<int64_t>(i * 7919 % kVocabulary);
  }
  return at::tensor(labels, at::kLong).view({kBatch, kTokens});
}

struct Result {
  at::Tensor loss, states_grad, weight_grad;
};

// piece_bytes 0 makes pieces of 16 rows: three of them here.
Result LossAndGradients(double smoothing, double upstream, int64_t piece_bytes) {
  const at::Tensor states = Leaf("states", {kBatch, kTokens, kFeatures});
  const at::Tensor weight = Leaf("weight", {kVocabulary, kFeatures});
  ProjectedCrossEntropy loss({"embedding", weight}, {smoothing, piece_bytes});
  const Tensors targets{Labels()};
  StageContext context;
  context.targets = &targets;
  context.loss_denominator = loss.ValidWeight(targets);
  const at::Tensor value = loss.Forward(context, {states})[0];
  (value * upstream).backward();
  return {value.detach(), states.grad(), weight.grad()};
}

TEST(ProjectedCrossEntropyTest, EqualsTheLossOfWholeLogitsAndItsGradients) {
  for (const double smoothing : {0.0, 0.1}) {
    for (const double upstream : {1.0, 8.0}) {
      const Result got = LossAndGradients(smoothing, upstream, 0);
      const at::Tensor states = Leaf("states", {kBatch, kTokens, kFeatures});
      const at::Tensor weight = Leaf("weight", {kVocabulary, kFeatures});
      const at::Tensor expected = at::cross_entropy_loss(
          states.matmul(weight.t()).flatten(0, 1), Labels().flatten(), {}, at::Reduction::Mean,
          /*ignore_index=*/-100, smoothing);
      (expected * upstream).backward();
      EXPECT_NEAR(got.loss.item<double>(), expected.item<double>(), 1e-13);
      EXPECT_LT((got.states_grad - states.grad()).norm().item<double>(), 1e-13);
      EXPECT_LT((got.weight_grad - weight.grad()).norm().item<double>(), 1e-13);
    }
  }
}

TEST(ProjectedCrossEntropyTest, CountsValidTokensAndIsZeroWithoutAny) {
  const at::Tensor weight = Leaf("weight", {kVocabulary, kFeatures});
  ProjectedCrossEntropy loss({"embedding", weight}, {});
  EXPECT_EQ(loss.ValidWeight({Labels()}), Labels().ne(-100).sum().item<double>());
  const at::Tensor states = Leaf("states", {2, 3, kFeatures});
  const Tensors targets{at::tensor({-100, -100, -100, -100, -100, -100}, at::kLong).view({2, 3})};
  StageContext context;
  context.targets = &targets;
  const at::Tensor value = loss.Forward(context, {states})[0];
  value.backward();
  EXPECT_EQ(value.item<double>(), 0.0);
  EXPECT_EQ(states.grad().norm().item<double>(), 0.0);
}

TEST(ProjectedCrossEntropyTest, SameBitsWithoutGrad) {
  const Result with = LossAndGradients(0.1, 1.0, 0);
  at::NoGradGuard no_grad;
  ProjectedCrossEntropy loss({"embedding", Leaf("weight", {kVocabulary, kFeatures})}, {0.1, 0});
  const Tensors targets{Labels()};
  StageContext context;
  context.targets = &targets;
  context.loss_denominator = loss.ValidWeight(targets);
  const Tensors out = loss.Forward(context, {Leaf("states", {kBatch, kTokens, kFeatures})});
  EXPECT_TRUE(at::equal(out[0], with.loss));
}

TEST(ProjectedCrossEntropyTest, UnderAutocastLossAndGradientsStayWide) {
  const at::Tensor states = Leaf("states", {kBatch, kTokens, kFeatures}).detach().to(at::kFloat);
  const at::Tensor weight = Leaf("weight", {kVocabulary, kFeatures}).detach().to(at::kFloat);
  states.requires_grad_();
  weight.requires_grad_();
  ProjectedCrossEntropy loss({"embedding", weight}, {0.1, 0});
  const Tensors targets{Labels()};
  StageContext context;
  context.targets = &targets;
  context.loss_denominator = loss.ValidWeight(targets);
  at::autocast::set_autocast_enabled(at::kCPU, true);
  at::autocast::set_autocast_dtype(at::kCPU, at::kBFloat16);
  const at::Tensor value = loss.Forward(context, {states})[0];
  at::autocast::set_autocast_enabled(at::kCPU, false);
  value.backward();
  const Result wide = LossAndGradients(0.1, 1.0, 0);
  EXPECT_EQ(value.scalar_type(), at::kFloat);
  EXPECT_NEAR(value.item<double>(), wide.loss.item<double>(), 0.02 * wide.loss.item<double>());
  EXPECT_NE(value.item<double>(), wide.loss.item<float>());
  for (const auto& [got, expected] :
       {std::pair(states.grad(), wide.states_grad), std::pair(weight.grad(), wide.weight_grad)}) {
    EXPECT_EQ(got.scalar_type(), at::kFloat);
    EXPECT_LT((got - expected).norm().item<double>(), 0.03 * expected.norm().item<double>());
  }
}

TEST(ProjectedCrossEntropyTest, LogitsNeverExistWhole) {
  const int64_t tokens = 512, vocabulary = 4096, features = 8;
  const at::Tensor states = Leaf("states", {1, tokens, features});
  const at::Tensor weight = Leaf("weight", {vocabulary, features});
  const int64_t logits = tokens * vocabulary * 8;
  ProjectedCrossEntropy loss({"embedding", weight}, {0.1, logits / 16});
  const Tensors targets{Labels().abs().flatten().repeat({13}).narrow(0, 0, tokens).view({1, -1})};
  StageContext context;
  context.targets = &targets;
  ResetCpuPeaks();
  const int64_t before = ReadCpuMemory().live_bytes;
  loss.Forward(context, {states})[0].backward();
  EXPECT_LT(ReadCpuMemory().peak_live_bytes - before, logits / 4);
}

TEST(ProjectedCrossEntropyTest, RefusesLabelsOutsideOfTheVocabulary) {
  ProjectedCrossEntropy loss({"embedding", Leaf("weight", {kVocabulary, kFeatures})}, {});
  for (const int64_t wrong : {kVocabulary, int64_t{-1}}) {
    const Tensors targets{at::tensor({wrong}, at::kLong).view({1, 1})};
    StageContext context;
    context.targets = &targets;
    EXPECT_THROW(loss.Forward(context, {Leaf("states", {1, 1, kFeatures})}), c10::Error);
  }
}

}  // namespace
}  // namespace slimreel
