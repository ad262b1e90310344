#include "models/layers/convolution.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <gtest/gtest.h>

#include <utility>

namespace slimreel {
namespace {

struct Gradients {
  at::Tensor x, weight;
};

// Of the sum of squares of the convolution of `frames` frames, through autograd.
Gradients GradientsOf(const ConvolutionShape& shape, int64_t frames, at::ScalarType dtype) {
  std::vector<NamedTensor> parameters, buffers;
  ParameterMaker make(3, at::kFloat, &parameters, &buffers);
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

}  // namespace
}  // namespace slimreel
