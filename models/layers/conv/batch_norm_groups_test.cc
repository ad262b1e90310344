#include "models/layers/conv/batch_norm_groups.h"

#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/Version.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/native_batch_norm.h>
#include <ATen/ops/native_batch_norm_backward.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>
#include <gtest/gtest.h>

#include <array>
#include <limits>
#include <vector>

#include "memory/stage/step_log.h"

namespace slimreel {
namespace {

constexpr double kEps = 1e-5, kMomentum = 0.1;

struct RunningStatistics {
  at::Tensor mean, variance;
};

struct Problem {
  at::Tensor x, grad;
  NormCall call;
  RunningStatistics running;
};

Problem MakeProblem(std::vector<int64_t> sizes, int64_t group, at::ScalarType of_x,
                    at::ScalarType of_weight) {
  const int64_t channels = sizes[1];
  Problem p;
  // Away from zero, so a careless variance loses digits.
  p.x = at::randn(sizes, at::kDouble).mul(0.3).add(2.0).to(of_x);
  p.grad = at::randn(sizes, at::kDouble).to(of_x);
  p.call = {at::randn({channels}, at::kDouble).to(of_weight),
            at::randn({channels}, at::kDouble).to(of_weight), group, kEps};
  p.running = {at::zeros({channels}, of_weight), at::ones({channels}, of_weight)};
  return p;
}

// The same by ATen, group by group.
struct Expected {
  std::vector<at::Tensor> y, x;
  at::Tensor weight, bias, running_mean, running_variance;
};

Expected ByAten(const Problem& p) {
  Expected out;
  out.weight = at::zeros_like(p.call.weight);
  out.bias = at::zeros_like(p.call.bias);
  out.running_mean = p.running.mean.clone();
  out.running_variance = p.running.variance.clone();
  const std::vector<at::Tensor> xs = p.x.split(p.call.group), grads = p.grad.split(p.call.group);
  for (size_t g = 0; g < xs.size(); ++g) {
    auto [y, mean, invstd] =
        at::native_batch_norm(xs[g], p.call.weight, p.call.bias, out.running_mean,
                              out.running_variance, true, kMomentum, kEps);
    auto [of_x, of_weight, of_bias] = at::native_batch_norm_backward(
        grads[g], xs[g], p.call.weight, {}, {}, mean, invstd, true, kEps, {true, true, true});
    out.y.push_back(y);
    out.x.push_back(of_x);
    out.weight.add_(of_weight);
    out.bias.add_(of_bias);
  }
  return out;
}

// Moves the running statistics by the groups of p.x.
Normalised NormaliseAndMove(Problem& p) {
  StepLog log({p.running.mean, p.running.variance}, at::zeros({}, at::kLong), kMomentum);
  const int64_t groups = (p.x.size(0) + p.call.group - 1) / p.call.group;
  Normalised out = NormaliseGroups(p.call, p.x, log.Append(0, groups));
  CommitLogs({&log});
  return out;
}

double Distance(const at::Tensor& a, const at::Tensor& b) {
  const at::Tensor wide = b.to(at::kDouble);
  return ((a.to(at::kDouble) - wide).norm() / wide.norm()).item<double>();
}

void ExpectNearAten(Problem p, double tolerance) {
  const Expected expected = ByAten(p);
  const Normalised got = NormaliseAndMove(p);
  EXPECT_LT(Distance(got.y, at::cat(expected.y)), tolerance);
  EXPECT_LT(Distance(p.running.mean, expected.running_mean), tolerance);
  EXPECT_LT(Distance(p.running.variance, expected.running_variance), tolerance);
  const NormGradients gradients =
      NormaliseBackward(p.call, p.x, got.statistics, p.grad, {true, true, true});
  EXPECT_LT(Distance(gradients.x, at::cat(expected.x)), tolerance);
  EXPECT_LT(Distance(gradients.weight, expected.weight), tolerance);
  EXPECT_LT(Distance(gradients.bias, expected.bias), tolerance);
  EXPECT_EQ(gradients.x.scalar_type(), p.x.scalar_type());
  EXPECT_EQ(gradients.weight.scalar_type(), p.call.weight.scalar_type());
}

TEST(BatchNormGroupsTest, AgreesWithAtenForEveryShapeAndDtype) {
  const std::vector<std::vector<int64_t>> shapes{{5, 3, 2, 3, 7}, {4, 16, 5, 5}, {6, 2, 3}, {8, 4}};
  for (const std::vector<int64_t>& sizes : shapes) {
    for (const int64_t group : {3, 4, 100}) {
      SCOPED_TRACE(testing::Message() << at::IntArrayRef(sizes) << " by " << group);
      ExpectNearAten(MakeProblem(sizes, group, at::kDouble, at::kDouble), 1e-12);
      ExpectNearAten(MakeProblem(sizes, group, at::kFloat, at::kFloat), 3e-5);
      ExpectNearAten(MakeProblem(sizes, group, at::kHalf, at::kFloat), 3e-3);
      ExpectNearAten(MakeProblem(sizes, group, at::kBFloat16, at::kFloat), 2e-2);
    }
  }
}

// So the same elements pass ReLU as in PyTorch. Needs fused multiply-add; without it the
// last bit differs.
TEST(BatchNormGroupsTest, OutputHasAtensBitsInFloat32) {
  if (at::get_cpu_capability() == "DEFAULT") GTEST_SKIP() << "no AVX2 here";
  for (const std::vector<int64_t>& sizes :
       std::vector<std::vector<int64_t>>{{4, 16, 4, 28, 28}, {5, 3, 2, 3, 7}, {8, 64, 7, 7}}) {
    const Problem p = MakeProblem(sizes, sizes[0], at::kFloat, at::kFloat);
    const Expected expected = ByAten(p);
    const Normalised got = NormaliseGroups(p.call, p.x, {});
    EXPECT_TRUE(at::equal(got.y, expected.y[0])) << at::IntArrayRef(sizes);
  }
}

TEST(BatchNormGroupsTest, NormalisesFromStatisticsWithTheSameBits) {
  for (at::ScalarType dtype : {at::kFloat, at::kDouble, at::kBFloat16, at::kHalf}) {
    Problem p = MakeProblem({5, 3, 2, 3, 7}, 2, dtype, at::kFloat);
    const Normalised first = NormaliseGroups(p.call, p.x, {});
    EXPECT_TRUE(at::equal(NormaliseFromStatistics(p.call, p.x, first.statistics), first.y))
        << dtype;
  }
}

TEST(BatchNormGroupsTest, ATailHasTheBitsOfSeparateOperators) {
  for (at::ScalarType dtype : {at::kFloat, at::kDouble, at::kBFloat16, at::kHalf}) {
    const Problem p = MakeProblem({5, 3, 2, 3, 7}, 2, dtype, at::kFloat);
    const at::Tensor plain = NormaliseGroups(p.call, p.x, {}).y, residual = p.grad;
    const NormTail sum{residual, false, false}, relu{{}, false, true}, both{residual, false, true};
    const auto with = [&p](const NormTail& t) { return NormaliseGroups(p.call, p.x, {}, t); };
    EXPECT_TRUE(at::equal(with(sum).y, plain + residual)) << dtype;
    EXPECT_TRUE(at::equal(with(relu).y, plain.relu())) << dtype;
    const Normalised got = with(both);
    EXPECT_TRUE(at::equal(got.y, (plain + residual).relu())) << dtype;
    EXPECT_TRUE(at::equal(NormaliseFromStatistics(p.call, p.x, got.statistics, both), got.y))
        << dtype;
    const at::Tensor place = residual.clone();
    const at::Tensor in_place = with({place, true, true}).y;
    EXPECT_EQ(in_place.data_ptr(), place.data_ptr());
    EXPECT_TRUE(at::equal(in_place, got.y)) << dtype;
  }
}

TEST(BatchNormGroupsTest, BackwardComputesFromXWhatReluCut) {
  for (at::ScalarType dtype : {at::kFloat, at::kDouble, at::kBFloat16, at::kHalf}) {
    const Problem p = MakeProblem({5, 3, 2, 3, 7}, 2, dtype, at::kFloat);
    const Normalised normed = NormaliseGroups(p.call, p.x, {});
    const std::array<bool, 3> all{true, true, true};
    const at::Tensor cut = p.grad * (normed.y > 0);
    const NormGradients expected = NormaliseBackward(p.call, p.x, normed.statistics, cut, all);
    const NormGradients got =
        NormaliseBackward(p.call, p.x, normed.statistics, p.grad, all, /*through_relu=*/true);
    EXPECT_TRUE(at::equal(got.x, expected.x)) << dtype;
    EXPECT_TRUE(at::equal(got.weight, expected.weight)) << dtype;
    EXPECT_TRUE(at::equal(got.bias, expected.bias)) << dtype;
  }
}

// Devices other than the CPU let ATen write the log so.
TEST(BatchNormGroupsTest, AtenMovesZerosByMomentumOneToTheLoggedValues) {
  const Problem p = MakeProblem({5, 3, 2, 3, 7}, 5, at::kDouble, at::kDouble);
  const at::Tensor log = at::zeros({1, 2, 3}, at::kDouble), expected = at::zeros_like(log);
  NormaliseGroups(p.call, p.x, log);
  at::native_batch_norm(p.x, p.call.weight, p.call.bias, expected[0][0], expected[0][1], true,
                        /*momentum=*/1.0, kEps);
  EXPECT_LT(Distance(log, expected), 1e-13);
}

bool NearOrBothNoNumber(const at::Tensor& a, const at::Tensor& b) {
  return at::allclose(a, b, 1e-4, 1e-4, /*equal_nan=*/true);
}

TEST(BatchNormGroupsTest, NanAndInfinitiesSpreadAsInAten) {
  Problem p = MakeProblem({4, 4, 3, 5}, 2, at::kFloat, at::kFloat);
  p.x[0][0][1][2].fill_(std::numeric_limits<float>::quiet_NaN());
  p.x[3][1][0][0].fill_(std::numeric_limits<float>::infinity());
  p.grad[1][2][2][4].fill_(std::numeric_limits<float>::quiet_NaN());
  p.grad[2][3][0][1].fill_(-std::numeric_limits<float>::infinity());
  const Expected expected = ByAten(p);
  const Normalised got = NormaliseAndMove(p);
  EXPECT_TRUE(got.y.isnan().any().item<bool>() && !got.y.isnan().all().item<bool>());
  EXPECT_TRUE(NearOrBothNoNumber(got.y, at::cat(expected.y)));
  EXPECT_TRUE(NearOrBothNoNumber(p.running.mean, expected.running_mean));
  EXPECT_TRUE(NearOrBothNoNumber(p.running.variance, expected.running_variance));
  const at::Tensor cut = NormaliseGroups(p.call, p.x, {}, {{}, false, true}).y;
  EXPECT_TRUE(NearOrBothNoNumber(cut, at::cat(expected.y).relu()));
  const NormGradients gradients =
      NormaliseBackward(p.call, p.x, got.statistics, p.grad, {true, true, true});
  EXPECT_TRUE(NearOrBothNoNumber(gradients.x, at::cat(expected.x)));
  EXPECT_TRUE(NearOrBothNoNumber(gradients.weight, expected.weight));
  EXPECT_TRUE(NearOrBothNoNumber(gradients.bias, expected.bias));
}

TEST(BatchNormGroupsTest, StridesOfXResidualAndGradientChangeNoBit) {
  const Problem p = MakeProblem({5, 3, 2, 3, 7}, 2, at::kFloat, at::kFloat);
  const auto turned = [](const at::Tensor& x) {
    return x.transpose(1, 4).contiguous().transpose(1, 4);
  };
  const std::array<bool, 3> all{true, true, true};
  const NormTail plain{p.grad, false, true};
  const Normalised expected = NormaliseGroups(p.call, p.x, {}, plain);
  const at::Tensor x = turned(p.x), grad = turned(p.grad);
  ASSERT_FALSE(x.is_contiguous());
  for (const bool overwrite : {false, true}) {
    const NormTail tail{turned(p.grad), overwrite, true};
    EXPECT_TRUE(at::equal(NormaliseGroups(p.call, x, {}, tail).y, expected.y)) << overwrite;
    const NormTail again{turned(p.grad), overwrite, true};
    EXPECT_TRUE(
        at::equal(NormaliseFromStatistics(p.call, x, expected.statistics, again), expected.y));
  }
  for (const bool through_relu : {false, true}) {
    const NormGradients straight =
        NormaliseBackward(p.call, p.x, expected.statistics, p.grad, all, through_relu);
    const NormGradients got =
        NormaliseBackward(p.call, x, expected.statistics, grad, all, through_relu);
    EXPECT_TRUE(at::equal(got.x, straight.x)) << through_relu;
    EXPECT_TRUE(at::equal(got.weight, straight.weight)) << through_relu;
    EXPECT_TRUE(at::equal(got.bias, straight.bias)) << through_relu;
  }
  // The gradient of a sum: the same value everywhere.
  const at::Tensor one = at::ones({1}, at::kFloat).expand(p.x.sizes());
  EXPECT_TRUE(
      at::equal(NormaliseBackward(p.call, p.x, expected.statistics, one, all).x,
                NormaliseBackward(p.call, p.x, expected.statistics, one.contiguous(), all).x));
}

TEST(BatchNormGroupsTest, AGroupDoesNotSeeItsNeighbours) {
  const Problem p = MakeProblem({4, 3, 5, 5}, 2, at::kFloat, at::kFloat);
  const at::Tensor whole = NormaliseGroups(p.call, p.x, {}).y;
  const at::Tensor alone = NormaliseGroups(p.call, p.x.slice(0, 2, 4), {}).y;
  EXPECT_TRUE(at::equal(whole.slice(0, 2, 4), alone));
}

TEST(BatchNormGroupsTest, BitsDoNotDependOnTheNumberOfThreads) {
  // Enough values that threads share the channels.
  const Problem p = MakeProblem({3, 8, 16, 19, 9}, 3, at::kFloat, at::kFloat);
  const int threads = at::get_num_threads();
  std::vector<at::Tensor> ys, grads;
  for (int n : {1, 3}) {
    at::set_num_threads(n);
    const Normalised normed = NormaliseGroups(p.call, p.x, {});
    ys.push_back(normed.y);
    grads.push_back(
        NormaliseBackward(p.call, p.x, normed.statistics, p.grad, {true, true, true}).x);
  }
  at::set_num_threads(threads);
  EXPECT_TRUE(at::equal(ys[0], ys[1]));
  EXPECT_TRUE(at::equal(grads[0], grads[1]));
}

TEST(BatchNormGroupsTest, MakesOnlyTheGradientsThatAreNeeded) {
  const Problem p = MakeProblem({2, 3, 5}, 2, at::kFloat, at::kFloat);
  const Normalised normed = NormaliseGroups(p.call, p.x, {});
  const NormGradients all =
      NormaliseBackward(p.call, p.x, normed.statistics, p.grad, {true, true, true});
  const NormGradients weight =
      NormaliseBackward(p.call, p.x, normed.statistics, p.grad, {false, true, false});
  EXPECT_FALSE(weight.x.defined());
  EXPECT_FALSE(weight.bias.defined());
  EXPECT_TRUE(at::equal(weight.weight, all.weight));
}

}  // namespace
}  // namespace slimreel
