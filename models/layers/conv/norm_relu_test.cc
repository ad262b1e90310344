#include "models/layers/conv/norm_relu.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/batch_norm.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/max_pool2d.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "memory/tracking/cpu_allocator.h"

namespace slimreel {
namespace {

constexpr int64_t kChannels = 3;

at::Tensor Waves(double pace, at::ScalarType dtype = at::kDouble) {
  return at::arange(4 * kChannels * 36, at::kDouble)
      .mul(pace)
      .sin()
      .view({4, kChannels, 6, 6})
      .to(dtype)
      .requires_grad_();
}

enum class Shortcut { kNone, kIdentity, kNorm };

struct UnitUnderTest : StageState {
  UnitUnderTest(Shortcut shortcut, bool pool, at::ScalarType dtype = at::kDouble)
      : make({3, dtype}, this) {
    NormReluShape shape{.norm = {"bn", kChannels, 0.7}};
    if (shortcut == Shortcut::kNorm) shape.shortcut_norm = NormShape{"downsample", kChannels, 1.3};
    shape.identity_shortcut = shortcut == Shortcut::kIdentity;
    if (pool) shape.pool = MaxPoolShape{{3, 3}, {2, 2}};
    unit = std::make_unique<NormRelu>(make, shape);
    raw.push_back(Waves(1.7, dtype));
    if (shortcut != Shortcut::kNone) raw.push_back(Waves(2.3, dtype));
  }

  ParameterMaker make;
  std::unique_ptr<NormRelu> unit;
  Tensors raw;
};

StageContext Training(int64_t group) {
  StageContext context;
  context.training = true;
  context.norm_group = group;
  return context;
}

// Group 0: by the running statistics of a fresh norm.
at::Tensor NormByAten(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                      int64_t group) {
  if (group == 0) {
    return at::batch_norm(x, weight, bias, at::zeros({kChannels}, x.options()),
                          at::ones({kChannels}, x.options()), false, 0.1, 1e-5, false);
  }
  std::vector<at::Tensor> parts;
  for (const at::Tensor& part : x.split(group)) {
    parts.push_back(at::batch_norm(part, weight, bias, {}, {}, true, 0.1, 1e-5, false));
  }
  return at::cat(parts);
}

// The same by ATen's operators, on separate tensors.
struct ByAten {
  ByAten(const UnitUnderTest& of, Shortcut shortcut, bool pool, int64_t group) {
    const auto copy = [](const at::Tensor& x) { return x.detach().clone().requires_grad_(); };
    for (const at::Tensor& x : of.raw) raw.push_back(copy(x));
    for (const NamedTensor& p : of.parameters) parameters.push_back(copy(p.tensor));
    out = NormByAten(raw[0], parameters[0], parameters[1], group);
    if (shortcut == Shortcut::kIdentity) out = out + raw[1];
    if (shortcut == Shortcut::kNorm)
      out = out + NormByAten(raw[1], parameters[2], parameters[3], group);
    out = out.relu();
    if (pool) out = at::max_pool2d(out, {3, 3}, {2, 2}, {1, 1});
  }

  Tensors raw, parameters;
  at::Tensor out;
};

void ExpectClose(const at::Tensor& got, const at::Tensor& expected) {
  ASSERT_TRUE(got.defined());
  const double largest = std::max(1.0, expected.abs().max().item<double>());
  const double tolerance = got.scalar_type() == at::kDouble ? 1e-12 : 1e-5;
  EXPECT_LT((got - expected).abs().max().item<double>(), tolerance * largest);
}

// The output, and the gradients of the tensors that require one. Checks that no other tensor
// gets a gradient.
void ExpectAgreement(UnitUnderTest& got, const StageContext& context, const ByAten& expected) {
  const at::Tensor out = got.unit->Forward(context, got.raw);
  ExpectClose(out, expected.out);
  (out * out).sum().backward();
  (expected.out * expected.out).sum().backward();
  const auto compare = [](const at::Tensor& tensor, const at::Tensor& reference) {
    if (tensor.requires_grad()) return ExpectClose(tensor.grad(), reference.grad());
    EXPECT_FALSE(tensor.grad().defined());
  };
  for (size_t i = 0; i < got.raw.size(); ++i) compare(got.raw[i], expected.raw[i]);
  for (size_t i = 0; i < expected.parameters.size(); ++i)
    compare(got.parameters[i].tensor, expected.parameters[i]);
}

TEST(NormReluTest, IsNormSumPoolAndReluForwardAndBackward) {
  for (const Shortcut shortcut : {Shortcut::kNone, Shortcut::kIdentity, Shortcut::kNorm}) {
    for (const bool pool : {false, true}) {
      for (const int64_t group : {1, 3, 4}) {
        for (const at::ScalarType dtype : {at::kDouble, at::kFloat}) {
          SCOPED_TRACE(testing::Message() << static_cast<int>(shortcut) << pool << group << dtype);
          UnitUnderTest under_test(shortcut, pool, dtype);
          const ByAten expected(under_test, shortcut, pool, group);
          ExpectAgreement(under_test, Training(group), expected);
        }
      }
    }
  }
}

// Parameters: weight and bias of the norm, then of the shortcut's.
TEST(NormReluTest, FrozenParametersGetNoGradientAndOthersAreUnchanged) {
  const std::vector<std::vector<size_t>> frozen_sets{{0, 1}, {0}, {1}, {2, 3}, {3}, {0, 1, 2, 3}};
  for (const std::vector<size_t>& frozen : frozen_sets) {
    for (const bool pool : {false, true}) {
      for (const bool frozen_input : {false, true}) {
        SCOPED_TRACE(testing::Message() << frozen.size() << frozen[0] << pool << frozen_input);
        UnitUnderTest under_test(Shortcut::kNorm, pool);
        const ByAten expected(under_test, Shortcut::kNorm, pool, /*group=*/2);
        for (const size_t i : frozen) under_test.parameters[i].tensor.requires_grad_(false);
        if (frozen_input) under_test.raw[0].requires_grad_(false);
        ExpectAgreement(under_test, Training(2), expected);
      }
    }
  }
}

TEST(NormReluTest, ParametersTrainUnderRunningStatistics) {
  for (const Shortcut shortcut : {Shortcut::kNone, Shortcut::kIdentity, Shortcut::kNorm}) {
    for (const bool pool : {false, true}) {
      SCOPED_TRACE(testing::Message() << static_cast<int>(shortcut) << pool);
      UnitUnderTest under_test(shortcut, pool);
      const ByAten expected(under_test, shortcut, pool, /*group=*/0);
      StageContext context = Training(2);
      context.norm_frozen = true;
      ExpectAgreement(under_test, context, expected);
    }
  }
}

TEST(NormReluTest, GivesTheSameBitsWithoutAGraph) {
  UnitUnderTest under_test(Shortcut::kNorm, true, at::kFloat);
  StageContext context = Training(2);
  context.first_visit = false;
  const at::Tensor recorded = under_test.unit->Forward(context, under_test.raw);
  const at::NoGradGuard no_grad;
  EXPECT_TRUE(at::equal(under_test.unit->Forward(context, under_test.raw), recorded));
}

// Allowed are the incoming gradient (or what ReLU leaves of it) and one gradient per input.
TEST(NormReluTest, BackwardMakesNoGradientBeyondThoseOfItsInputs) {
  for (const Shortcut shortcut : {Shortcut::kNone, Shortcut::kIdentity, Shortcut::kNorm}) {
    UnitUnderTest under_test(shortcut, false);
    for (at::Tensor& x : under_test.raw) x = x.detach().repeat({64, 1, 1, 1}).requires_grad_();
    const auto bytes = static_cast<int64_t>(under_test.raw[0].nbytes());
    const at::Tensor loss = (under_test.unit->Forward(Training(2), under_test.raw) * 2.0).sum();
    ResetCpuPeaks();
    const int64_t before = ReadCpuMemory().live_bytes;
    loss.backward();
    const int64_t most = shortcut == Shortcut::kNorm ? 3 : 2;  // an identity's is the incoming one
    EXPECT_LE(ReadCpuMemory().peak_live_bytes - before, most * bytes + 4096)
        << static_cast<int>(shortcut);
  }
}

}  // namespace
}  // namespace slimreel
