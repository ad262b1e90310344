#include "models/losses/projected_cross_entropy.h"

#include <ATen/TensorOperators.h>
#include <ATen/autocast_mode.h>
#include <ATen/core/Reduction.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <limits>
#include <optional>
#include <set>
#include <utility>

#include "memory/tracking/allocation_hook.h"
#include "memory/tracking/cpu_allocator.h"
#include "models/testing/parity.h"

namespace slimreel {
namespace {

constexpr int64_t kBatch = 3, kTokens = 14, kFeatures = 6, kVocabulary = 37;

at::Tensor Leaf(const std::string& key, at::IntArrayRef sizes) {
  return FormulaTensor(key, sizes).mul(3.0).requires_grad_();
}

// Every fifth token has no label.
at::Tensor Labels() {
  std::vector<int64_t> labels(kBatch * kTokens);
  for (size_t i = 0; i < labels.size(); ++i) {
    labels[i] = i % 5 == 3 ? -100 : static_cast<int64_t>(i * 7919 % kVocabulary);
  }
  return at::tensor(labels, at::kLong).view({kBatch, kTokens});
}

// Enables autocast on the CPU while the object lives.
struct Autocast {
  explicit Autocast(at::ScalarType type) {
    at::autocast::set_autocast_enabled(at::kCPU, true);
    at::autocast::set_autocast_dtype(at::kCPU, type);
  }
  ~Autocast() { at::autocast::set_autocast_enabled(at::kCPU, false); }
};

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
  at::Tensor value;
  {
    const Autocast autocast(at::kBFloat16);
    value = loss.Forward(context, {states})[0];
  }
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

// The softmax is nearly 1 for one token. The others have e^-17 = 4e-8 each, less than half of
// float16's smallest step, but 4095 of them together move the second feature.
TEST(ProjectedCrossEntropyTest, ManySmallProbabilitiesSurviveFloat16) {
  constexpr int64_t kMany = 4096;
  const auto gradients = [](bool narrow) {
    at::Tensor weight = at::zeros({kMany, 2}, at::kFloat);
    weight.select(1, 1).fill_(1.0);
    weight[0][0] = 1.0;
    weight[0][1] = 0.0;
    weight.requires_grad_();
    const at::Tensor states = at::tensor({17.0, 0.0}, at::kFloat).view({1, 1, 2}).requires_grad_();
    ProjectedCrossEntropy loss({"embedding", weight}, {});
    const Tensors targets{at::zeros({1, 1}, at::kLong)};
    StageContext context;
    context.targets = &targets;
    at::Tensor value;
    {
      std::optional<Autocast> autocast;
      if (narrow) autocast.emplace(at::kHalf);
      value = loss.Forward(context, {states})[0];
    }
    (value * 1024.0).backward();
    return std::pair(states.grad().to(at::kDouble), weight.grad().to(at::kDouble));
  };
  const auto [states, weight] = gradients(/*narrow=*/true);
  const auto [exact_states, exact_weight] = gradients(/*narrow=*/false);
  EXPECT_NEAR(states[0][0][1].item<double>() / exact_states[0][0][1].item<double>(), 1.0, 0.01);
  EXPECT_LT((weight - exact_weight).norm().item<double>(),
            0.01 * exact_weight.norm().item<double>());
}

// A sum over many rows of large states: its scaling by a power of two must not leave float16's
// range.
TEST(ProjectedCrossEntropyTest, AFrequentTokensGradientDoesNotOverflowFloat16) {
  const at::Tensor weight = at::zeros({16, 4}, at::kFloat).requires_grad_();
  const at::Tensor states = at::full({1, 512, 4}, 100.0, at::kFloat).requires_grad_();
  ProjectedCrossEntropy loss({"embedding", weight}, {});
  const Tensors targets{at::zeros({1, 512}, at::kLong)};
  StageContext context;
  context.targets = &targets;
  context.loss_denominator = 512.0;
  at::Tensor value;
  {
    const Autocast autocast(at::kHalf);
    value = loss.Forward(context, {states})[0];
  }
  value.backward();
  // Each row gives (1 / 16 - 1) * 100 to token 0.
  EXPECT_NEAR(weight.grad()[0][0].item<double>(), -93.75, 0.1);
}

int64_t PeakBytes(const ProjectedCrossEntropyOptions& options, int64_t tokens, int64_t vocabulary,
                  bool narrow, int64_t features = 8) {
  const at::Tensor states = Leaf("states", {1, tokens, features}).detach().to(at::kFloat);
  const at::Tensor weight = Leaf("weight", {vocabulary, features}).detach().to(at::kFloat);
  states.requires_grad_();
  weight.requires_grad_();
  ProjectedCrossEntropy loss({"embedding", weight}, options);
  const Tensors targets{at::zeros({1, tokens}, at::kLong)};
  StageContext context;
  context.targets = &targets;
  std::optional<Autocast> autocast;
  if (narrow) autocast.emplace(at::kHalf);
  ResetCpuPeaks();
  const int64_t before = ReadCpuMemory().live_bytes;
  loss.Forward(context, {states});
  return ReadCpuMemory().peak_live_bytes - before;
}

// Whole logits would take 128 MiB in float32, 64 MiB in float16. Gradients and copies of states
// and weight are small.
TEST(ProjectedCrossEntropyTest, HoldsOnePieceOfLogitsAndTwoBlocksOfTheSoftmax) {
  constexpr int64_t kMiB = 1 << 20, kSmall = 6 * kMiB;
  const ProjectedCrossEntropyOptions options{.label_smoothing = 0.1, .piece_bytes = 32 * kMiB};
  EXPECT_LE(PeakBytes(options, 512, 65536, /*narrow=*/false), (32 + 8) * kMiB + kSmall);
  EXPECT_LE(PeakBytes(options, 512, 65536, /*narrow=*/true), (32 + 2 * 8) * kMiB + kSmall);
  // The weight's gradient takes 64 MiB, the weight cast to float16 32 MiB, the states and their
  // gradient 4 MiB. A product of the weight's size would take 32 MiB more, at a time when no
  // block of the softmax is alive.
  EXPECT_LE(PeakBytes(options, 512, 65536, /*narrow=*/true, /*features=*/256),
            (32 + 2 * 8 + 64 + 32 + 4) * kMiB + kSmall);
}

// Every tensor that is made while it lives, in order.
class Sizes final : public AllocationHook {
 public:
  Sizes() { AddCpuAllocationHook(this); }
  ~Sizes() override { RemoveCpuAllocationHook(this); }
  void BeforeAllocate(AllocationKind /*kind*/, int64_t bytes) override { sizes.insert(bytes); }
  std::set<int64_t> sizes;
};

struct Memory {
  int64_t peak;
  std::set<int64_t> sizes;
  friend bool operator==(const Memory&, const Memory&) = default;
};

// Of a loss of 100 rows in pieces of 34 with blocks of 16 rows; `labelled` rows have a label.
Memory MemoryOf(int64_t labelled, at::ScalarType product) {
  constexpr int64_t kLarge = 131072;
  const at::Tensor states = Leaf("states", {2, 50, 8}).detach().to(at::kFloat).requires_grad_();
  const at::Tensor weight = Leaf("weight", {kLarge, 8}).detach().to(at::kFloat).requires_grad_();
  const at::Tensor labels = at::full({2, 50}, -100, at::kLong);
  labels.view(-1).slice(0, 100 - labelled).fill_(kLarge - 1);
  const auto product_bytes = static_cast<int64_t>(c10::elementSize(product));
  ProjectedCrossEntropy loss({"embedding", weight}, {0.1, 40 * kLarge * product_bytes});
  const Tensors targets{labels};
  StageContext context;
  context.targets = &targets;
  std::optional<Autocast> autocast;
  if (product != at::kFloat) autocast.emplace(product);
  ResetCpuPeaks();
  const int64_t before = ReadCpuMemory().live_bytes;
  Sizes seen;
  loss.Forward(context, {states});
  return {ReadCpuMemory().peak_live_bytes - before, seen.sizes};
}

TEST(ProjectedCrossEntropyTest, NoSizeDependsOnTheLabels) {
  for (const at::ScalarType product : {at::kFloat, at::kHalf, at::kBFloat16}) {
    SCOPED_TRACE(c10::toString(product));
    MemoryOf(100, product);  // libraries take their scratch now
    const Memory all = MemoryOf(100, product);
    EXPECT_GT(all.peak, int64_t{131072} * 34 * static_cast<int64_t>(c10::elementSize(product)));
    for (const int64_t labelled : {1, 15, 16, 17, 50, 99}) {
      const Memory some = MemoryOf(labelled, product);
      EXPECT_EQ(some.peak, all.peak) << labelled << " of 100 rows";
      for (const int64_t bytes : some.sizes) {
        EXPECT_EQ(all.sizes.count(bytes), 1u) << bytes << " bytes with " << labelled << " rows";
      }
    }
  }
}

TEST(ProjectedCrossEntropyTest, RowsWithoutALabelAddNothingWhateverTheirStatesAre) {
  const auto run = [](double padding) {
    const at::Tensor states = Leaf("states", {kBatch, kTokens, kFeatures}).detach().clone();
    states.masked_fill_(Labels().eq(-100).unsqueeze(2), padding).requires_grad_();
    const at::Tensor weight = Leaf("weight", {kVocabulary, kFeatures});
    ProjectedCrossEntropy loss({"embedding", weight}, {.label_smoothing = 0.1, .piece_bytes = 0});
    const Tensors targets{Labels()};
    StageContext context;
    context.targets = &targets;
    const at::Tensor value = loss.Forward(context, {states})[0];
    value.backward();
    EXPECT_EQ(
        states.grad().masked_select(Labels().eq(-100).unsqueeze(2)).count_nonzero().item<int64_t>(),
        0);
    return Result{value.detach(), states.grad(), weight.grad()};
  };
  const Result zeros = run(0.0);
  for (const double padding :
       {1e30, std::numeric_limits<double>::infinity(), std::numeric_limits<double>::quiet_NaN()}) {
    const Result other = run(padding);
    EXPECT_TRUE(at::equal(other.loss, zeros.loss)) << padding;
    EXPECT_TRUE(at::equal(other.states_grad, zeros.states_grad)) << padding;
    EXPECT_TRUE(at::equal(other.weight_grad, zeros.weight_grad)) << padding;
  }
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
