#include "models/layers/transformer/patch_embedding.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/conv3d.h>
#include <gtest/gtest.h>

#include <vector>

#include "memory/tracking/cpu_allocator.h"

namespace slimreel {
namespace {

at::Tensor Waves(at::IntArrayRef sizes, double pace) {
  int64_t count = 1;
  for (int64_t size : sizes) count *= size;
  return at::arange(count, at::kDouble).mul(pace).sin().view(sizes).requires_grad_();
}

void ExpectClose(const at::Tensor& got, const at::Tensor& expected) {
  ASSERT_EQ(got.sizes(), expected.sizes());
  EXPECT_LT((got - expected).abs().max().item<double>(), 1e-12);
}

TEST(PatchEmbeddingTest, IsAConvolutionWhoseKernelIsItsStride) {
  // 5 frames, 9 x 7 pixels: no dimension is a multiple of the patch.
  const at::Tensor clips = Waves({2, 3, 5, 9, 7}, 1.7), weight = Waves({6, 3, 2, 4, 3}, 0.7),
                   bias = Waves({6}, 2.1);
  const at::Tensor tokens = EmbedPatches(clips, weight, bias, {2, 4, 3});
  const at::Tensor factors = Waves({2, 8, 6}, 0.3).detach();
  (tokens * factors).sum().backward();
  const std::vector<at::Tensor> got{clips.grad().clone(), weight.grad().clone(),
                                    bias.grad().clone()};
  for (const at::Tensor& leaf : {clips, weight, bias}) leaf.mutable_grad().reset();

  const at::Tensor expected = at::conv3d(clips, weight, bias, {2, 4, 3}).flatten(2).transpose(1, 2);
  (expected * factors).sum().backward();
  ExpectClose(tokens, expected);
  ExpectClose(got[0], clips.grad());
  ExpectClose(got[1], weight.grad());
  ExpectClose(got[2], bias.grad());
}

TEST(PatchEmbeddingTest, PatchesOfOneFrameTakeTheWeightOfImages) {
  const at::Tensor clips = Waves({2, 3, 3, 8, 8}, 1.7).detach(), weight = Waves({5, 3, 4, 4}, 0.7),
                   bias = Waves({5}, 2.1);
  const at::Tensor tokens = EmbedPatches(clips, weight, bias, {1, 4, 4});
  tokens.sum().backward();
  EXPECT_EQ(weight.grad().sizes(), weight.sizes());
  const at::Tensor frame = at::conv2d(clips.select(2, 1), weight, bias, {4, 4});
  ExpectClose(tokens.slice(1, 4, 8), frame.flatten(2).transpose(1, 2));
}

TEST(PatchEmbeddingTest, FrozenWeightsGetNoGradientAndTheResultCanBeAddedTo) {
  const at::Tensor clips = Waves({1, 3, 2, 4, 4}, 1.7).detach(),
                   weight = Waves({5, 3, 2, 4, 4}, 0.7).detach(), bias = Waves({5}, 2.1);
  at::Tensor tokens = EmbedPatches(clips, weight, bias, {2, 4, 4});
  tokens.add_(1.0);
  tokens.sum().backward();
  EXPECT_FALSE(weight.grad().defined());
  EXPECT_TRUE(bias.grad().defined());
}

TEST(PatchEmbeddingTest, KeepsOnlyItsInputs) {
  const at::Tensor clips = Waves({4, 3, 4, 32, 32}, 1.7).detach(),
                   weight = Waves({8, 3, 2, 16, 16}, 0.7), bias = Waves({8}, 2.1);
  const int64_t before = ReadCpuMemory().live_bytes;
  const at::Tensor tokens = EmbedPatches(clips, weight, bias, {2, 16, 16});
  const int64_t kept = ReadCpuMemory().live_bytes - before;
  EXPECT_LT(kept, static_cast<int64_t>(tokens.nbytes()) + 1024);
}

}  // namespace
}  // namespace slimreel
