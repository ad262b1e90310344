#include "models/losses/cross_entropy.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>

#include <cmath>

namespace slimreel {
namespace {

const std::vector<double> kWeights{0.5, 2.0, 1.0};

at::Tensor Logits() { return at::arange(12, at::kDouble).mul(0.9).cos().view({4, 3}); }
at::Tensor Labels() { return at::tensor({2, -1, 1, 0}, at::kLong); }

// Szegedy et al. 2016, equation 9, with class weights as torch.nn.CrossEntropyLoss
// has them: (1 - s) w_y (-log p_y) + s / K sum_c w_c (-log p_c), summed over valid items.
double ByHand(const at::Tensor& logits, const at::Tensor& labels, double smoothing) {
  double sum = 0;
  for (int64_t i = 0; i < logits.size(0); ++i) {
    const int64_t label = labels[i].item<int64_t>();
    if (label < 0) continue;
    double normaliser = 0;
    for (int c = 0; c < 3; ++c) normaliser += std::exp(logits[i][c].item<double>());
    for (int c = 0; c < 3; ++c) {
      const double minus_log = std::log(normaliser) - logits[i][c].item<double>();
      const double share = (c == label ? 1 - smoothing : 0.0) + smoothing / 3;
      sum += share * kWeights[c] * minus_log;
    }
  }
  return sum;
}

double LossOf(Stage& stage, const at::Tensor& logits, const at::Tensor& labels,
              double denominator) {
  const Tensors targets{labels};
  StageContext context;
  context.targets = &targets;
  context.loss_denominator = denominator;
  return stage.Forward(context, {logits})[0].item<double>();
}

TEST(CrossEntropyTest, IsTheWeightedSumOfValidItemsOverTheDenominator) {
  for (double smoothing : {0.0, 0.1}) {
    CrossEntropy stage(smoothing, kWeights);
    EXPECT_NEAR(LossOf(stage, Logits(), Labels(), 7.0), ByHand(Logits(), Labels(), smoothing) / 7.0,
                1e-12);
  }
}

TEST(CrossEntropyTest, LossesOfMicroBatchesAddUpToTheLossOfTheBatch) {
  CrossEntropy stage(0.1, kWeights);
  const double denominator = stage.ValidWeight({Labels()});
  double sum = 0;
  for (int64_t b = 0; b < 4; b += 2) {
    sum += LossOf(stage, Logits().narrow(0, b, 2), Labels().narrow(0, b, 2), denominator);
  }
  EXPECT_NEAR(sum, LossOf(stage, Logits(), Labels(), denominator), 1e-12);
}

TEST(CrossEntropyTest, DenominatorCountsValidWeight) {
  EXPECT_EQ(CrossEntropy(0.0, kWeights).ValidWeight({Labels()}), 1.0 + 2.0 + 0.5);
  EXPECT_EQ(CrossEntropy(0.0, {}).ValidWeight({Labels()}), 3.0);
}

TEST(CrossEntropyTest, MicroBatchWithoutValidItemsIsZero) {
  CrossEntropy stage(0.1, {});
  EXPECT_EQ(LossOf(stage, Logits(), at::tensor({-1, -1, -1, -1}, at::kLong), 3.0), 0.0);
}

}  // namespace
}  // namespace slimreel
