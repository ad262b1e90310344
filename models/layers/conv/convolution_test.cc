#include "models/layers/conv/convolution.h"

#include <ATen/Context.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/conv3d.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/stack.h>
#include <gtest/gtest.h>

#include <array>
#include <utility>
#include <vector>

#include "models/layers/conv/convolution_product.h"

namespace slimreel {
namespace {

struct Gradients {
  at::Tensor x, weight;
};

// Gradients of the sum of squares of a convolution over `frames` frames, by autograd.
Gradients GradientsOf(const ConvolutionShape& shape, int64_t frames, at::ScalarType dtype) {
  StageState state;
  ParameterMaker make({3, at::kFloat}, &state);
  const Convolution conv(make, "conv", shape);
  const at::Tensor weight = conv.weight().detach().to(dtype).requires_grad_();
  const at::Tensor x = at::arange(3 * 32 * frames * 8 * 8, at::kFloat)
                           .mul(1.3)
                           .sin()
                           .view({3, 32, frames, 8, 8})
                           .to(dtype)
                           .requires_grad_();
  const at::Tensor out = conv.Apply(x, weight);
  EXPECT_EQ(out.scalar_type(), dtype);
  out.to(at::kFloat).square().sum().backward();
  return {x.grad().to(at::kFloat), weight.grad().to(at::kFloat)};
}

double Distance(const at::Tensor& got, const at::Tensor& expected) {
  return ((got - expected).norm() / expected.norm()).item<double>();
}

// See Note [Short clips in bfloat16] in convolution.cc.
TEST(ConvolutionTest, GradientsOfShortClipsInBfloat16AreNearThoseInFloat) {
  for (const auto& [kernel, frames] : {std::pair<int64_t, int64_t>{3, 2}, {3, 1}, {3, 4}, {7, 6}}) {
    SCOPED_TRACE(testing::Message() << "kernel " << kernel << " frames " << frames);
    const ConvolutionShape shape{32, 32, {kernel, 1, 1}, {1, 1, 1}};
    const Gradients expected = GradientsOf(shape, frames, at::kFloat);
    const Gradients got = GradientsOf(shape, frames, at::kBFloat16);
    EXPECT_LT(Distance(got.x, expected.x), 0.02);
    EXPECT_LT(Distance(got.weight, expected.weight), 0.02);
  }
}

// See Note [Kernels of one subsample first]: compared with the strided convolution itself.
TEST(ConvolutionTest, AStridedKernelOfOneGivesTheStridedConvolution) {
  for (const std::vector<int64_t>& stride : {std::vector<int64_t>{1, 2, 2}, {2, 2, 2}, {3, 2}}) {
    SCOPED_TRACE(testing::Message() << at::IntArrayRef(stride));
    const size_t axes = stride.size();
    StageState state;
    ParameterMaker make({3, at::kDouble}, &state);
    const Convolution conv(make, "conv", {4, 6, std::vector<int64_t>(axes, 1), stride});
    std::vector<int64_t> sizes{2, 4, 5, 7, 6};
    sizes.resize(2 + axes);
    const at::Tensor x = at::randn(sizes, at::kDouble).requires_grad_();
    const at::Tensor weight = conv.weight().detach().requires_grad_();
    const at::Tensor expected =
        axes == 2 ? at::conv2d(x, weight, {}, stride) : at::conv3d(x, weight, {}, stride);
    const at::Tensor grad = at::randn(expected.sizes(), at::kDouble);
    expected.backward(grad);
    const at::Tensor expected_x = x.grad().clone(), expected_weight = weight.grad().clone();
    x.mutable_grad().reset();
    weight.mutable_grad().reset();
    const at::Tensor got = conv.Apply(x, weight);
    ASSERT_EQ(got.sizes(), expected.sizes());
    got.backward(grad);
    EXPECT_LT(Distance(got, expected), 1e-14);
    EXPECT_LT(Distance(x.grad(), expected_x), 1e-14);
    EXPECT_LT(Distance(weight.grad(), expected_weight), 1e-14);
    const Convolution::Gradients by_hand =
        conv.Backward(grad, x.detach(), weight.detach(), true, true);
    EXPECT_TRUE(at::equal(by_hand.x, x.grad()));
    EXPECT_TRUE(at::equal(by_hand.weight, weight.grad()));
  }
}

// See convolution_product.h: each shape is compared with ATen's convolution.
TEST(ConvolutionTest, NarrowKernelsAsProductsGiveTheConvolution) {
  const struct {
    std::vector<int64_t> kernel, sizes;  // sizes: [B, C, (T,) H, W]
  } cases[] = {
      {{1, 1}, {3, 6, 13, 11}},       {{1, 1, 1}, {2, 6, 4, 7, 5}},   {{3, 1, 1}, {2, 6, 4, 7, 5}},
      {{3, 1, 1}, {1, 6, 1, 12, 11}}, {{3, 1, 1}, {2, 6, 2, 8, 9}},   {{7, 1, 1}, {2, 6, 3, 7, 8}},
      {{1, 1, 1}, {2, 300, 4, 7, 5}}, {{3, 1, 1}, {2, 300, 4, 7, 5}}, {{1, 1, 1}, {2, 6, 2, 3, 3}},
  };
  for (const auto& test : cases) {
    SCOPED_TRACE(testing::Message()
                 << at::IntArrayRef(test.kernel) << " of " << at::IntArrayRef(test.sizes));
    const size_t axes = test.kernel.size();
    StageState state;
    ParameterMaker make({3, at::kDouble}, &state);
    const Convolution conv(make, "conv",
                           {test.sizes[1], 5, test.kernel, std::vector<int64_t>(axes, 1)});
    const at::Tensor x = at::randn(test.sizes, at::kDouble).requires_grad_();
    const at::Tensor weight = conv.weight().detach().requires_grad_();
    std::vector<int64_t> padding;
    for (const int64_t k : test.kernel) padding.push_back(k / 2);
    const at::Tensor expected =
        axes == 2 ? at::conv2d(x, weight, {}, 1, padding) : at::conv3d(x, weight, {}, 1, padding);
    const at::Tensor grad = at::randn(expected.sizes(), at::kDouble);
    expected.backward(grad);
    const at::Tensor expected_x = x.grad().clone(), expected_weight = weight.grad().clone();
    const Convolution::Gradients by_hand =
        conv.Backward(grad, x.detach(), weight.detach(), true, true);
    EXPECT_LT(Distance(conv.Apply(x.detach(), weight.detach()), expected), 1e-14);
    EXPECT_LT(Distance(by_hand.x, expected_x), 1e-14);
    EXPECT_LT(Distance(by_hand.weight, expected_weight), 1e-14);
    x.mutable_grad().reset();
    const at::Tensor out = conv.Forward(x);
    EXPECT_LT(Distance(out, expected), 1e-14);
    out.backward(grad);
    EXPECT_TRUE(at::equal(x.grad(), by_hand.x));
    EXPECT_TRUE(at::equal(state.parameters[0].tensor.grad(), by_hand.weight));
    EXPECT_FALSE(conv.Backward(grad, x.detach(), weight.detach(), false, true).x.defined());
    // Views, as a strided kernel of one reads them.
    const auto view = [](const at::Tensor& whole) {
      return at::stack({whole, whole}, -1).select(-1, 1);
    };
    const Convolution::Gradients of_views =
        conv.Backward(view(grad), view(x.detach()), weight.detach(), true, true);
    EXPECT_TRUE(at::equal(of_views.x, by_hand.x) && at::equal(of_views.weight, by_hand.weight));
  }
}

// A ReLU would amplify different bits: see convolution_product.h. Without MKL or AVX2 the
// libraries sum in other orders.
TEST(ConvolutionTest, ProductsOfFewInputsHaveTheConvolutionsBits) {
  if (!at::hasMKL() || !__builtin_cpu_supports("avx2")) GTEST_SKIP() << "no MKL, or no AVX2";
  int64_t products = 0;
  for (const int64_t inputs : {16, 32, 64, 96, 128, 192, 256, 512}) {
    for (const auto& [batch, frames, side] :
         {std::array<int64_t, 3>{1, 4, 7}, {3, 5, 9}, {4, 1, 28}}) {
      SCOPED_TRACE(testing::Message()
                   << inputs << " inputs, " << batch << " x " << frames << " x " << side);
      StageState state;
      ParameterMaker make({3, at::kFloat}, &state);
      const Convolution conv(make, "conv", {inputs, 48, {1, 1, 1}, {1, 1, 1}});
      const at::Tensor weight = conv.weight().detach();
      const at::Tensor x = at::randn({batch, inputs, frames, side, side}).relu();
      products += ShouldUseProducts(x, weight) && ProductIsBitIdentical(weight);
      EXPECT_TRUE(at::equal(conv.Apply(x, weight), at::conv3d(x, weight)));
    }
  }
  EXPECT_EQ(products, 7 * 3);  // all but the shapes with 512 inputs
}

}  // namespace
}  // namespace slimreel
