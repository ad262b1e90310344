#include "models/layers/conv/batch_norm.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/native_batch_norm.h>
#include <ATen/ops/sqrt.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "memory/tracking/cpu_allocator.h"

namespace slimreel {
namespace {

template <at::ScalarType dtype = at::kDouble>
struct NormUnderTest : StageState {
  ParameterMaker make{{0, dtype}, this};
  BatchNorm norm{make, "bn", 3};

  at::Tensor mean() const { return buffers[0].tensor; }
  at::Tensor var() const { return buffers[1].tensor; }
  int64_t count() const { return buffers[2].tensor.item<int64_t>(); }
  void Commit() const { CommitLogs(StepLogs(*this)); }
};

at::Tensor Clips(int64_t batch) {
  return at::arange(batch * 3 * 8, at::kDouble).mul(1.7).sin().view({batch, 3, 2, 2, 2});
}

StageContext Training(int64_t norm_group) {
  StageContext context;
  context.training = true;
  context.norm_group = norm_group;
  return context;
}

// The definition, group by group: the biased variance normalises; the running variance takes the
// unbiased one.
at::Tensor BruteForce(const at::Tensor& x, int64_t group, at::Tensor* mean, at::Tensor* var) {
  std::vector<at::Tensor> parts;
  for (int64_t begin = 0; begin < x.size(0); begin += group) {
    const at::Tensor part = x.slice(0, begin, std::min(begin + group, x.size(0)));
    const at::Tensor m = part.mean({0, 2, 3, 4}, true);
    const at::Tensor squares = (part - m).square();
    const double n = static_cast<double>(part.numel() / 3);
    parts.push_back((part - m) / at::sqrt(squares.mean({0, 2, 3, 4}, true) + 1e-5));
    *mean = *mean * 0.9 + m.flatten() * 0.1;
    *var = *var * 0.9 + squares.sum({0, 2, 3, 4}) / (n - 1) * 0.1;
  }
  return at::cat(parts);
}

TEST(BatchNormTest, NormalisesEachGroupSeparatelyEvenAShortLastOne) {
  for (int64_t group : {1, 2, 3, 5}) {
    NormUnderTest<> under_test;
    at::Tensor mean = under_test.mean().clone();
    at::Tensor var = under_test.var().clone();
    const at::Tensor x = Clips(5);
    const at::Tensor expected = BruteForce(x, group, &mean, &var);
    const at::Tensor out = under_test.norm.Forward(Training(group), x);
    under_test.Commit();
    EXPECT_LT((out - expected).abs().max().item<double>(), 1e-12) << group;
    EXPECT_LT((under_test.mean() - mean).abs().max().item<double>(), 1e-12) << group;
    EXPECT_LT((under_test.var() - var).abs().max().item<double>(), 1e-12) << group;
    EXPECT_EQ(under_test.count(), (5 + group - 1) / group);
  }
}

// Measures the peak memory of backward beyond x, its output and their gradients.
TEST(BatchNormTest, BackwardMakesOneInputGradientForAllGroups) {
  NormUnderTest<> under_test;
  const at::Tensor x = Clips(64).requires_grad_();
  const auto bytes = static_cast<int64_t>(x.nbytes());
  at::Tensor out = under_test.norm.Forward(Training(2), x);
  const at::Tensor grad = Clips(64);
  ResetCpuPeaks();
  const int64_t before = ReadCpuMemory().live_bytes;
  out.backward(grad);
  EXPECT_LE(ReadCpuMemory().peak_live_bytes - before, bytes + 1024);  // of x, and small ones
}

TEST(BatchNormTest, LeanPiecesHaveAutogradsBits) {
  for (const int64_t group : {2, 3, 0}) {
    NormUnderTest<> under_test;
    const at::Tensor x = Clips(5).requires_grad_();
    const at::Tensor grad = Clips(5).flip(0).contiguous();
    const at::Tensor y = under_test.norm.Forward(Training(group), x);
    y.backward(grad);
    at::NoGradGuard no_grad;
    StageContext context = Training(group);
    context.first_visit = false;
    const Normalised normed = under_test.norm.Normalise(context, x);
    EXPECT_TRUE(at::equal(normed.y, y)) << group;
    EXPECT_TRUE(at::equal(under_test.norm.Rebuild(context, x, normed.statistics), y)) << group;
    const NormGradients by_hand =
        under_test.norm.Backward(context, x, normed.statistics, grad, {true, true, true});
    EXPECT_TRUE(at::equal(by_hand.x, x.grad())) << group;
    EXPECT_TRUE(at::equal(by_hand.weight, under_test.parameters[0].tensor.grad())) << group;
    EXPECT_TRUE(at::equal(by_hand.bias, under_test.parameters[1].tensor.grad())) << group;
  }
}

TEST(BatchNormTest, GroupZeroIsTheWholeMicroBatch) {
  NormUnderTest<> zero, five;
  EXPECT_TRUE(at::equal(zero.norm.Forward(Training(0), Clips(5)),
                        five.norm.Forward(Training(5), Clips(5))));
}

TEST(BatchNormTest, RecomputeGivesTheSameBitsAndUpdatesNoStatistics) {
  NormUnderTest<> under_test;
  StageContext context = Training(2);
  const at::Tensor first = under_test.norm.Forward(context, Clips(4));
  under_test.Commit();
  const at::Tensor mean = under_test.mean().clone();
  const at::Tensor var = under_test.var().clone();
  context.first_visit = false;
  EXPECT_TRUE(at::equal(under_test.norm.Forward(context, Clips(4)), first));
  under_test.Commit();
  EXPECT_TRUE(at::equal(under_test.mean(), mean));
  EXPECT_TRUE(at::equal(under_test.var(), var));
  EXPECT_EQ(under_test.count(), 2);
}

// The arithmetic of running statistics that move during the forward pass: float64 within a pass,
// the buffer's dtype between passes.
at::Tensor MovedInTurn(at::Tensor average, const at::Tensor& values, int64_t groups_per_pass) {
  for (const at::Tensor& pass : values.split(groups_per_pass)) {
    at::Tensor moved = average.to(at::kDouble);
    for (const at::Tensor& value : pass.unbind(0)) moved = moved + 0.1 * (value - moved);
    average = moved.to(average.dtype());
  }
  return average;
}

TEST(BatchNormTest, CommitHasTheBitsOfStatisticsThatMoveDuringTheForwardPass) {
  for (const int64_t micro_batch : {2, 4, 8}) {
    NormUnderTest<at::kFloat> under_test;
    const at::Tensor x = Clips(8).mul(3).add(0.7).to(at::kFloat);
    const at::Tensor values = at::empty({4, 2, 3}, at::kDouble);  // of the groups
    NormaliseGroups({under_test.norm.weight(), under_test.norm.bias(), 2}, x, values);
    at::Tensor mean = under_test.mean().clone(), var = under_test.var().clone();
    at::Tensor aten_mean = mean.clone(), aten_var = var.clone();
    for (int step = 0; step < 3; ++step) {
      for (int64_t first = 0; first < 8; first += micro_batch) {
        StageContext context = Training(2);
        context.first_position = first;
        under_test.norm.Forward(context, x.narrow(0, first, micro_batch));
      }
      under_test.Commit();
      mean = MovedInTurn(mean, values.select(1, 0), micro_batch / 2);
      var = MovedInTurn(var, values.select(1, 1), micro_batch / 2);
      for (const at::Tensor& group : x.split(2)) {
        at::native_batch_norm(group, {}, {}, aten_mean, aten_var, true, 0.1, 1e-5);
      }
      EXPECT_TRUE(at::equal(under_test.mean(), mean)) << micro_batch << " in step " << step;
      EXPECT_TRUE(at::equal(under_test.var(), var)) << micro_batch << " in step " << step;
      EXPECT_TRUE(at::allclose(under_test.mean(), aten_mean, 1e-6, 1e-7));
      EXPECT_TRUE(at::allclose(under_test.var(), aten_var, 1e-6, 1e-7));
    }
    EXPECT_EQ(under_test.count(), 12);
  }
}

TEST(BatchNormTest, AStepThatIsDroppedLeavesNoTrace) {
  NormUnderTest<> under_test, undisturbed;
  under_test.norm.Forward(Training(2), Clips(6));
  DropLogs(StepLogs(under_test));
  for (NormUnderTest<>* each : {&under_test, &undisturbed}) {
    each->norm.Forward(Training(2), Clips(4));
    each->Commit();
  }
  EXPECT_TRUE(at::equal(under_test.mean(), undisturbed.mean()));
  EXPECT_TRUE(at::equal(under_test.var(), undisturbed.var()));
  EXPECT_EQ(under_test.count(), 2);
}

TEST(BatchNormTest, RefusesAGroupOfOneValueInsteadOfStoringNan) {
  NormUnderTest<> under_test;
  const at::Tensor pixels = Clips(3).slice(2, 0, 1).slice(3, 0, 1).slice(4, 0, 1);
  EXPECT_ANY_THROW(under_test.norm.Forward(Training(2), pixels));  // the last group has one
  EXPECT_ANY_THROW(under_test.norm.Forward(Training(1), pixels));
  EXPECT_EQ(under_test.count(), 0);
  EXPECT_NO_THROW(under_test.norm.Forward(Training(3), pixels));
  under_test.Commit();
  EXPECT_EQ(under_test.count(), 1);
  StageContext evaluation;
  EXPECT_NO_THROW(under_test.norm.Forward(evaluation, pixels));
}

TEST(BatchNormTest, RefusesABatchWithoutSamplesInsteadOfDividingByItsSize) {
  for (const int64_t group : {0, 1, 4}) {
    NormUnderTest<> under_test;
    EXPECT_ANY_THROW(under_test.norm.Forward(Training(group), Clips(0))) << group;
    under_test.Commit();
    EXPECT_EQ(under_test.count(), 0);
  }
}

TEST(BatchNormTest, FrozenNormalisesWithRunningStatisticsAndUpdatesNone) {
  NormUnderTest<> under_test;
  under_test.mean().fill_(0.25);
  under_test.var().fill_(4.0);
  StageContext context = Training(0);
  context.norm_frozen = true;
  const at::Tensor out = under_test.norm.Forward(context, Clips(2));
  const at::Tensor expected = (Clips(2) - 0.25) / std::sqrt(4.0 + 1e-5);
  under_test.Commit();
  EXPECT_LT((out - expected).abs().max().item<double>(), 1e-12);
  EXPECT_EQ(under_test.count(), 0);
  EXPECT_EQ(under_test.mean()[0].item<double>(), 0.25);
}

}  // namespace
}  // namespace slimreel
