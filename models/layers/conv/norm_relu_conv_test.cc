#include "models/layers/conv/norm_relu_conv.h"

#include <ATen/TensorOperators.h>
#include <ATen/autocast_mode.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/equal.h>
#include <gtest/gtest.h>

#include <memory>

#include "memory/tracking/cpu_allocator.h"

namespace slimreel {
namespace {

struct UnitShape {
  bool shortcut = false;  // a second raw output with a norm of its own
  bool pool = false;
  bool activation = false;  // hand the activation on; else two convolutions
};

// A unit of 4 channels with its own parameters, equal for equal shapes.
struct UnitUnderTest : StageState {
  explicit UnitUnderTest(const UnitShape& shape, at::ScalarType dtype = at::kFloat)
      : make({3, dtype}, this), give_activation(shape.activation) {
    NormReluShape norm_shape{.norm = {"bn", 4, 0.7}};
    if (shape.shortcut) norm_shape.shortcut_norm = NormShape{"downsample.bn", 4, 1.3};
    if (shape.pool) norm_shape.pool = MaxPoolShape{{1, 3, 3}, {1, 2, 2}};
    norm = std::make_unique<NormRelu>(make, norm_shape);
    convs.emplace_back(make, "conv1", ConvolutionShape{4, 6, {3, 3, 3}, {1, 2, 2}});
    if (!shape.activation) {
      convs.emplace_back(make, "downsample", ConvolutionShape{4, 5, {1, 1, 1}, {1, 2, 2}});
    }
    for (int64_t i = 0; i <= static_cast<int64_t>(shape.shortcut); ++i) {
      raw.push_back(at::arange(5 * 4 * 2 * 8 * 8, at::kDouble)
                        .mul(1.3 + 0.2 * static_cast<double>(i))
                        .sin()
                        .view({5, 4, 2, 8, 8})
                        .to(dtype)
                        .requires_grad_());
    }
  }

  Tensors Forward(const StageContext& context) {
    std::vector<const Convolution*> pointers;
    for (const Convolution& conv : convs) pointers.push_back(&conv);
    return NormReluConv(*norm, pointers, give_activation, context, raw);
  }

  ParameterMaker make;
  bool give_activation;
  std::unique_ptr<NormRelu> norm;
  std::vector<Convolution> convs;
  Tensors raw;
};

void Backward(const Tensors& out) {
  at::Tensor sum = (out[0] * out[0]).sum();
  for (size_t i = 1; i < out.size(); ++i) sum = sum + out[i].sum() * 0.3 + (out[i] * out[i]).sum();
  sum.backward();
}

void ExpectSameBits(const UnitShape& shape, StageContext context) {
  UnitUnderTest plain(shape), lean(shape);
  const Tensors expected = plain.Forward(context);
  context.lean = true;
  const Tensors got = lean.Forward(context);
  ASSERT_EQ(got.size(), expected.size());
  for (size_t i = 0; i < got.size(); ++i) EXPECT_TRUE(at::equal(got[i], expected[i])) << i;
  Backward(expected);
  Backward(got);
  CommitLogs(StepLogs(plain));
  CommitLogs(StepLogs(lean));
  for (size_t i = 0; i < plain.raw.size(); ++i) {
    EXPECT_TRUE(at::equal(lean.raw[i].grad(), plain.raw[i].grad())) << "raw " << i;
  }
  for (size_t i = 0; i < plain.parameters.size(); ++i) {
    EXPECT_TRUE(at::equal(lean.parameters[i].tensor.grad(), plain.parameters[i].tensor.grad()))
        << plain.parameters[i].name;
  }
  for (size_t i = 0; i < plain.buffers.size(); ++i) {
    EXPECT_TRUE(at::equal(lean.buffers[i].tensor, plain.buffers[i].tensor))
        << plain.buffers[i].name;
  }
}

TEST(NormReluConvTest, LeanFormHasThePlainFormsBits) {
  for (int bits = 0; bits < 8; ++bits) {
    const UnitShape shape{(bits & 1) != 0, (bits & 2) != 0, (bits & 4) != 0};
    for (int64_t group : {0, 1, 2, 5}) {
      SCOPED_TRACE(testing::Message() << "shape " << bits << " group " << group);
      StageContext context;
      context.training = true;
      context.norm_group = group;
      ExpectSameBits(shape, context);
    }
  }
}

TEST(NormReluConvTest, LeanFormHasThePlainFormsBitsWithRunningStatistics) {
  for (const bool training : {false, true}) {
    StageContext context;
    context.training = training;
    context.norm_frozen = training;
    ExpectSameBits({.shortcut = true, .pool = true}, context);
  }
}

// bfloat16 autocast on the CPU while it lives.
class Bf16Scope {
 public:
  Bf16Scope() {
    at::autocast::set_autocast_enabled(at::kCPU, true);
    at::autocast::set_autocast_dtype(at::kCPU, at::kBFloat16);
    at::autocast::increment_nesting();
  }
  ~Bf16Scope() {
    if (at::autocast::decrement_nesting() == 0) at::autocast::clear_cache();
    at::autocast::set_autocast_enabled(at::kCPU, false);
  }
};

// Each form has its own scope; in a common scope one form would use weights that the other cast.
struct Bf16Result {
  explicit Bf16Result(const UnitShape& shape) : unit(shape) {}
  UnitUnderTest unit;
  Tensors out;
};
std::unique_ptr<Bf16Result> RunInBf16(const UnitShape& shape, at::ScalarType raw_dtype, bool lean) {
  auto result = std::make_unique<Bf16Result>(shape);
  for (at::Tensor& raw : result->unit.raw) raw = raw.detach().to(raw_dtype).requires_grad_();
  StageContext context;
  context.training = true;
  context.lean = lean;
  {
    const Bf16Scope scope;
    result->out = result->unit.Forward(context);
  }
  Backward(result->out);
  return result;
}

TEST(NormReluConvTest, LeanFormHasThePlainFormsBitsUnderAutocast) {
  for (const at::ScalarType raw_dtype : {at::kFloat, at::kBFloat16}) {
    const UnitShape shape{.shortcut = true, .pool = true};
    const auto plain = RunInBf16(shape, raw_dtype, false);
    const auto lean = RunInBf16(shape, raw_dtype, true);
    EXPECT_EQ(lean->out[0].scalar_type(), at::kBFloat16);
    for (size_t i = 0; i < plain->out.size(); ++i) {
      EXPECT_TRUE(at::equal(lean->out[i], plain->out[i])) << i;
    }
    for (size_t i = 0; i < plain->unit.raw.size(); ++i) {
      EXPECT_TRUE(at::equal(lean->unit.raw[i].grad(), plain->unit.raw[i].grad())) << i;
    }
    for (size_t i = 0; i < plain->unit.parameters.size(); ++i) {
      const NamedTensor& expected = plain->unit.parameters[i];
      EXPECT_TRUE(at::equal(lean->unit.parameters[i].tensor.grad(), expected.tensor.grad()))
          << expected.name;
    }
  }
}

TEST(NormReluConvTest, FrozenParametersGetNoGradient) {
  StageContext context;
  context.training = true;
  context.lean = true;
  UnitUnderTest unit({.shortcut = true});
  for (NamedTensor& named : unit.parameters)
    named.tensor.set_requires_grad(named.name == "conv1.weight");
  for (at::Tensor& raw : unit.raw) raw.set_requires_grad(false);
  Backward(unit.Forward(context));
  for (const NamedTensor& named : unit.parameters) {
    EXPECT_EQ(named.tensor.grad().defined(), named.name == "conv1.weight") << named.name;
  }
}

int64_t SavedBytes(UnitUnderTest& unit, bool lean) {
  StageContext context;
  context.training = true;
  context.first_visit = false;
  context.lean = lean;
  const int64_t before = ReadCpuMemory().live_bytes;
  const Tensors out = unit.Forward(context);
  int64_t outputs = 0;
  for (const at::Tensor& slot : out) outputs += static_cast<int64_t>(slot.nbytes());
  return ReadCpuMemory().live_bytes - before - outputs;
}

TEST(NormReluConvTest, LeanFormSavesNothingBeyondItsInputs) {
  UnitUnderTest unit({.shortcut = true});
  SavedBytes(unit, false);  // libraries take their scratch now
  const int64_t activation = static_cast<int64_t>(unit.raw[0].nbytes());
  EXPECT_GE(SavedBytes(unit, false), activation);
  EXPECT_LT(SavedBytes(unit, true), activation / 8);
}

TEST(NormReluConvTest, ActivationBeforePoolingIsNotKept) {
  UnitUnderTest unit({.shortcut = true, .pool = true});
  SavedBytes(unit, false);  // libraries take their scratch now
  const int64_t activation = static_cast<int64_t>(unit.raw[0].nbytes());
  EXPECT_LT(SavedBytes(unit, false), activation / 2);  // a quarter, pooled, and a byte each
}

}  // namespace
}  // namespace slimreel
