#include "models/layers/dropout.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/ones.h>
#include <gtest/gtest.h>

#include "memory/tracking/cpu_allocator.h"
#include "models/testing/formula.h"
#include "models/testing/stand_in_device.h"

namespace slimreel {
namespace {

StageContext At(int64_t step, int64_t first_position) {
  StageContext context;
  context.seed = 7;
  context.step = step;
  context.first_position = first_position;
  context.training = true;
  return context;
}

TEST(DropoutTest, MaskDoesNotDependOnTheSplit) {
  const Dropout dropout("layer.0.dropout", 0.3);
  const DropPath drop_path("layer.0.drop_path", 0.5);
  const at::Tensor x = at::ones({8, 5, 7});
  std::vector<at::Tensor> parts, paths;
  for (int64_t b = 0; b < 8; b += 2) {
    parts.push_back(dropout.Forward(At(3, 100 + b), x.narrow(0, b, 2)));
    paths.push_back(drop_path.Forward(At(3, 100 + b), x.narrow(0, b, 2)));
  }
  EXPECT_TRUE(at::equal(dropout.Forward(At(3, 100), x), at::cat(parts)));
  EXPECT_TRUE(at::equal(drop_path.Forward(At(3, 100), x), at::cat(paths)));
}

TEST(DropoutTest, KernelAndTensorFormDrawTheSameMask) {
  const Dropout dropout("a", 0.25);
  const at::Tensor kernel = dropout.Forward(At(1, 5), at::ones({3, 1000})).ne(0);
  EXPECT_TRUE(at::equal(kernel, KeyedKeepMask(At(1, 5), LayerId("a"), 3, 1000, 0.25, at::kCPU)));
}

// The tensor form hashes positions too: 40 samples of 30000 draws make blocks of 17 samples.
TEST(DropoutTest, BothFormsAgreeOverBlocksOfSamples) {
  const StageContext context = At(1, (int64_t{1} << 40) + 5);
  const at::Tensor kernel = Dropout("a", 0.25).Forward(context, at::ones({40, 30000})).ne(0);
  EXPECT_TRUE(at::equal(kernel, KeyedKeepMask(context, LayerId("a"), 40, 30000, 0.25, at::kCPU)));
}

TEST(DropoutTest, BothFormsOfDropPathGiveTheSameBits) {
  for (const at::ScalarType type : {at::kFloat, at::kDouble}) {
    const at::Tensor factors = DropPath("a", 0.3).Forward(At(2, 9), at::ones({200, 1}, type));
    EXPECT_GT(factors.eq(0).sum().item<int64_t>(), 20);
    EXPECT_TRUE(at::equal(factors.squeeze(1),
                          KeyedPathFactors(At(2, 9), LayerId("a"), 200, 0.3, factors.options())));
  }
}

// The mask takes one byte per element. Its draws are made in blocks of bounded size.
TEST(DropoutTest, MaskIsDrawnInBoundedMemory) {
  constexpr int64_t kElements = 3 << 20;
  ResetCpuPeaks();
  const int64_t before = ReadCpuMemory().live_bytes;
  const at::Tensor keep = KeyedKeepMask(At(1, 5), LayerId("a"), 2, kElements, 0.25, at::kCPU);
  EXPECT_LE(ReadCpuMemory().peak_live_bytes - before, 2 * kElements + (9 << 20));
  const at::Tensor kernel = Dropout("a", 0.25).Forward(At(1, 5), at::ones({2, kElements})).ne(0);
  EXPECT_TRUE(at::equal(keep, kernel));
}

TEST(DropoutTest, SavesNothingForBackwardButTheCounters) {
  const at::Tensor x = at::ones({4, 3, 1000}).requires_grad_();
  int64_t before = ReadCpuMemory().live_bytes;
  const at::Tensor dropped = Dropout("a", 0.25).Forward(At(1, 5), x);
  EXPECT_EQ(ReadCpuMemory().live_bytes - before, static_cast<int64_t>(dropped.nbytes()));
  before = ReadCpuMemory().live_bytes;
  const at::Tensor path = DropPath("a", 0.25).Forward(At(1, 5), x);
  // One factor per sample, in a block of 64 bytes.
  EXPECT_LE(ReadCpuMemory().live_bytes - before, static_cast<int64_t>(path.nbytes()) + 64);
}

// A draw on the host would be uploaded in every pass.
TEST(DropoutTest, OnAnotherDeviceTheBitsAreTheSameAndNothingIsUploaded) {
  const at::Tensor here = FormulaTensor("x", {4, 3, 50}).to(at::kFloat);
  const at::Tensor there = here.to(StandInDevice());
  TakeLinkTraffic();
  const at::Tensor dropped = Dropout("a", 0.3).Forward(At(1, 5), there);
  const at::Tensor path = DropPath("a", 0.3).Forward(At(1, 5), there);
  EXPECT_EQ(TakeLinkTraffic().num_uploads, 0);
  EXPECT_TRUE(at::equal(dropped.cpu(), Dropout("a", 0.3).Forward(At(1, 5), here)));
  EXPECT_TRUE(at::equal(path.cpu(), DropPath("a", 0.3).Forward(At(1, 5), here)));
}

TEST(DropoutTest, NarrowTypesDropTheSameElementsAndRoundTheProductOnce) {
  for (const at::ScalarType type : {at::kHalf, at::kBFloat16}) {
    const at::Tensor x = at::arange(3000, at::kFloat).mul(0.37).sin().view({3, 1000}).to(type);
    const at::Tensor out = Dropout("a", 0.3).Forward(At(1, 5), x);
    EXPECT_EQ(out.scalar_type(), type);
    const at::Tensor keep = KeyedKeepMask(At(1, 5), LayerId("a"), 3, 1000, 0.3, at::kCPU);
    EXPECT_TRUE(at::equal(out, x.mul(1.0 / 0.7).masked_fill(keep.logical_not(), 0)));
  }
}

TEST(DropoutTest, DropsItsShareAndKeepsTheMean) {
  const at::Tensor out = Dropout("a", 0.25).Forward(At(0, 0), at::ones({10, 100000}));
  const double share = out.eq(0).to(at::kDouble).mean().item<double>();
  EXPECT_NEAR(share, 0.25, 0.0025);  // five standard deviations: 0.0022
  EXPECT_NEAR(out.mean().item<double>(), 1.0, 0.005);
}

TEST(DropoutTest, DiffersByStepLayerPositionAndElement) {
  const at::Tensor x = at::ones({1, 64});
  const at::Tensor one = Dropout("a", 0.5).Forward(At(0, 0), x);
  EXPECT_FALSE(at::equal(one, Dropout("a", 0.5).Forward(At(1, 0), x)));
  EXPECT_FALSE(at::equal(one, Dropout("a", 0.5).Forward(At(0, 1), x)));
  EXPECT_FALSE(at::equal(one, Dropout("b", 0.5).Forward(At(0, 0), x)));
  EXPECT_GT(one.ne(0).sum().item<int64_t>(), 10);
  EXPECT_LT(one.ne(0).sum().item<int64_t>(), 54);
}

TEST(DropoutTest, GradientIsTheMaskAndForwardHasTheSameBitsWithoutGrad) {
  const Dropout dropout("a", 0.4);
  const at::Tensor x = at::ones({4, 50}, at::kDouble).requires_grad_();
  const at::Tensor out = dropout.Forward(At(2, 9), x);
  out.sum().backward();
  EXPECT_TRUE(at::equal(x.grad(), out.detach()));
  at::NoGradGuard no_grad;
  EXPECT_TRUE(at::equal(dropout.Forward(At(2, 9), x), out));
}

// E[out] = x: kept values are divided by the probability to be kept.
TEST(DropoutTest, DropPathDropsWholeSamplesAndScalesTheOthers) {
  const at::Tensor out = DropPath("a", 0.25).Forward(At(0, 0), at::ones({400, 3}, at::kDouble));
  int64_t kept = 0;
  for (int64_t b = 0; b < out.size(0); ++b) {
    const double value = out[b][0].item<double>();
    EXPECT_TRUE(value == 0.0 || value == 1.0 / 0.75) << value;
    EXPECT_EQ(out[b].sum().item<double>(), 3 * value);
    kept += value > 0 ? 1 : 0;
  }
  EXPECT_NEAR(static_cast<double>(kept), 300, 45);  // five standard deviations: 43
}

TEST(DropoutTest, DoesNothingOutsideOfTraining) {
  StageContext context;
  const at::Tensor x = at::ones({2, 3});
  EXPECT_TRUE(Dropout("a", 0.9).Forward(context, x).is_same(x));
  EXPECT_TRUE(DropPath("a", 0.9).Forward(context, x).is_same(x));
}

}  // namespace
}  // namespace slimreel
