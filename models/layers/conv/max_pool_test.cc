#include "models/layers/conv/max_pool.h"

#include <ATen/Context.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <ATen/ops/max_pool2d.h>
#include <ATen/ops/max_pool2d_with_indices.h>
#include <ATen/ops/max_pool3d.h>
#include <ATen/ops/max_pool3d_with_indices.h>
#include <ATen/ops/randn.h>
#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <vector>

#include "memory/tracking/cpu_allocator.h"

namespace slimreel {
namespace {

struct PoolCase {
  MaxPoolShape shape;
  std::vector<int64_t> sizes;
};

const std::vector<PoolCase>& Cases() {
  static const auto* const cases = new std::vector<PoolCase>{
      {{{1, 3, 3}, {1, 1, 1}}, {2, 3, 4, 9, 11}},  // PoseC3D's stem
      {{{1, 3, 3}, {1, 2, 2}}, {2, 3, 4, 9, 12}},  // SlowOnly's
      {{{3, 3, 3}, {2, 2, 2}}, {1, 2, 5, 7, 6}},  {{{3, 3}, {2, 2}}, {2, 5, 14, 13}},  // ResNet's
      {{{3, 3}, {2, 2}}, {1, 2, 1, 1}},           {{{5, 3}, {3, 1}}, {2, 2, 2, 1}},
      {{{1, 1}, {2, 3}}, {1, 1, 4, 7}},
  };
  return *cases;
}

at::Tensor ByAten(const MaxPoolShape& shape, const at::Tensor& x) {
  std::vector<int64_t> padding;
  for (int64_t kernel : shape.kernel) padding.push_back(kernel / 2);
  return padding.size() == 2 ? at::max_pool2d(x, shape.kernel, shape.stride, padding)
                             : at::max_pool3d(x, shape.kernel, shape.stride, padding);
}

// Multiples of one half, so that windows hold equal values.
at::Tensor Coarse(const PoolCase& c, at::ScalarType dtype) {
  return at::randn(c.sizes, at::kDouble).mul(2).round().div(2).to(dtype);
}

void ExpectSameAsAten(const MaxPoolShape& shape, const at::Tensor& x) {
  const at::Tensor reference_x = x.clone().requires_grad_();
  const MaxPooled pooled = MaxPoolForward(shape, x);
  const at::Tensor reference = ByAten(shape, reference_x);
  ASSERT_EQ(pooled.y.sizes(), reference.sizes());
  EXPECT_TRUE(at::equal(pooled.y.nan_to_num(77), reference.detach().nan_to_num(77)));
  const at::Tensor grad = at::randn(pooled.y.sizes(), at::kDouble).to(x.scalar_type());
  reference.backward(grad);
  EXPECT_TRUE(
      at::equal(MaxPoolBackward(shape, x.sizes(), grad, pooled.choice), reference_x.grad()));
}

TEST(MaxPoolTest, GivesAtensBitsForwardAndBackward) {
  for (const PoolCase& c : Cases()) {
    for (at::ScalarType dtype : {at::kFloat, at::kDouble, at::kBFloat16, at::kHalf}) {
      SCOPED_TRACE(testing::Message() << at::IntArrayRef(c.sizes) << " " << dtype);
      ExpectSameAsAten(c.shape, Coarse(c, dtype));
    }
  }
}

TEST(MaxPoolTest, TreatsNanAndInfinitiesAsAtenDoes) {
  for (const PoolCase& c : Cases()) {
    SCOPED_TRACE(testing::Message() << at::IntArrayRef(c.sizes));
    ExpectSameAsAten(c.shape,
                     at::full(c.sizes, -std::numeric_limits<float>::infinity(), at::kFloat));
    at::Tensor x = Coarse(c, at::kFloat);
    x.view({-1}).slice(0, 0, x.numel(), 7).fill_(std::numeric_limits<float>::quiet_NaN());
    x.view({-1}).slice(0, 3, x.numel(), 5).fill_(std::numeric_limits<float>::infinity());
    ExpectSameAsAten(c.shape, x);
  }
}

TEST(MaxPoolTest, ReadsInputsThatAreNotContiguous) {
  const PoolCase& c = Cases()[0];
  ExpectSameAsAten(c.shape, Coarse(c, at::kFloat).transpose(3, 4));
}

TEST(MaxPoolTest, KeepsOneBytePerOutput) {
  const PoolCase& c = Cases()[0];
  const int64_t before = ReadCpuMemory().live_bytes;
  const MaxPooled pooled = MaxPoolForward(c.shape, Coarse(c, at::kFloat));
  const int64_t kept = ReadCpuMemory().live_bytes - before;
  const int64_t outputs = pooled.y.numel();
  EXPECT_GE(kept, outputs * 5);         // y and a byte each
  EXPECT_LT(kept, outputs * 5 + 1024);  // and not what was pooled
}

// Other devices keep ATen's indices; with and without trainer.deterministic.
TEST(MaxPoolTest, TakesAtensIndicesInBackward) {
  for (const PoolCase& c : Cases()) {
    SCOPED_TRACE(testing::Message() << at::IntArrayRef(c.sizes));
    const at::Tensor x = Coarse(c, at::kDouble);
    std::vector<int64_t> padding;
    for (int64_t kernel : c.shape.kernel) padding.push_back(kernel / 2);
    const auto [y, indices] =
        padding.size() == 2
            ? at::max_pool2d_with_indices(x, c.shape.kernel, c.shape.stride, padding)
            : at::max_pool3d_with_indices(x, c.shape.kernel, c.shape.stride, padding);
    const at::Tensor grad = at::randn(y.sizes(), at::kDouble);
    const at::Tensor expected =
        MaxPoolBackward(c.shape, c.sizes, grad, MaxPoolForward(c.shape, x).choice);
    for (bool deterministic : {false, true}) {
      at::globalContext().setDeterministicAlgorithms(deterministic, /*warn_only=*/false);
      EXPECT_TRUE(at::allclose(MaxPoolBackward(c.shape, c.sizes, grad, indices), expected, 1e-14));
    }
    at::globalContext().setDeterministicAlgorithms(false, /*warn_only=*/false);
  }
}

TEST(MaxPoolTest, RefusesEvenKernels) {
  EXPECT_ANY_THROW(MaxPoolForward({{2, 2}, {2, 2}}, at::randn({1, 1, 4, 4})));
  EXPECT_ANY_THROW(MaxPoolForward({{3, 3}, {2, 2}}, at::randn({1, 1, 4, 4, 4})));
}

// Devices other than the CPU keep ATen's indices so.
TEST(MaxPoolTest, IndicesOf64BitsBecomePlacesOf8AndBack) {
  for (const auto& [kernel, stride, sizes] :
       std::vector<std::array<std::vector<int64_t>, 3>>{{{{1, 3, 3}, {1, 2, 2}, {2, 3, 4, 9, 8}}},
                                                        {{{3, 3, 3}, {2, 2, 2}, {2, 2, 5, 7, 6}}},
                                                        {{{3, 3, 5}, {1, 1, 1}, {1, 2, 2, 2, 1}}},
                                                        {{{3, 3}, {2, 2}, {3, 2, 7, 9}}},
                                                        {{{5, 5}, {1, 2}, {1, 1, 2, 3}}}}) {
    const MaxPoolShape shape{kernel, stride};
    std::vector<int64_t> padding;
    for (const int64_t k : kernel) padding.push_back(k / 2);
    const at::Tensor x = at::randn(sizes);
    const at::Tensor indices =
        std::get<1>(kernel.size() == 2 ? at::max_pool2d_with_indices(x, kernel, stride, padding)
                                       : at::max_pool3d_with_indices(x, kernel, stride, padding));
    const at::Tensor places = PlacesOf(shape, sizes, indices.clone());
    EXPECT_EQ(places.scalar_type(), at::kByte);
    EXPECT_EQ(places.nbytes() * 8, indices.nbytes());
    EXPECT_TRUE(at::equal(IndicesOf(shape, sizes, places), indices)) << at::IntArrayRef(kernel);
  }
}

}  // namespace
}  // namespace slimreel
