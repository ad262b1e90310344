// Compares the fused functions and the halves of transformers with autograd's own
// composition of the same operations.
#include <ATen/TensorOperators.h>
#include <ATen/autocast_mode.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/ones_like.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/tril.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <optional>

#include "memory/tracking/cpu_allocator.h"
#include "models/layers/transformer/attention.h"
#include "models/layers/transformer/attention_half.h"
#include "models/layers/transformer/gelu_linear.h"
#include "models/layers/transformer/mlp_half.h"
#include "models/layers/transformer/norm_linear.h"
#include "models/testing/parity.h"

namespace slimreel {
namespace {

// A leaf that requires grad.
at::Tensor Leaf(const std::string& key, at::IntArrayRef sizes) {
  return FormulaTensor(key, sizes).requires_grad_();
}

void ExpectNear(const Tensors& got, const Tensors& expected, double tolerance) {
  ASSERT_EQ(got.size(), expected.size());
  for (size_t i = 0; i < got.size(); ++i) {
    ASSERT_TRUE(got[i].defined() && expected[i].defined()) << i;
    EXPECT_LE((got[i] - expected[i]).norm().item<double>(),
              tolerance * expected[i].norm().item<double>())
        << i;
  }
}

void ExpectSameBits(const Tensors& got, const Tensors& expected) {
  ASSERT_EQ(got.size(), expected.size());
  for (size_t i = 0; i < got.size(); ++i) EXPECT_TRUE(at::equal(got[i], expected[i])) << i;
}

// The outputs, then the gradient of each leaf for fixed output gradients.
Tensors OutputsAndGradients(const std::function<Tensors()>& forward, const Tensors& leaves) {
  for (const at::Tensor& leaf : leaves) leaf.mutable_grad().reset();
  const Tensors outputs = forward();
  at::Tensor sum;
  for (size_t i = 0; i < outputs.size(); ++i) {
    const at::Tensor weights =
        FormulaTensor("gradient " + std::to_string(i), outputs[i].sizes()).to(outputs[i].options());
    const at::Tensor part = (outputs[i] * weights.detach()).sum();
    sum = sum.defined() ? sum + part : part;
  }
  sum.backward();
  Tensors all;
  for (const at::Tensor& output : outputs) all.push_back(output.detach());
  for (const at::Tensor& leaf : leaves) all.push_back(leaf.grad());
  return all;
}

TEST(NormLinearTest, BothFormsEqualAutogradsCompositionOfLayerNormAndLinearMaps) {
  const at::Tensor x = Leaf("x", {2, 5, 6});
  const Norm norm{Leaf("scale", {6}), Leaf("shift", {6}), 1e-3};
  const std::vector<Linear> maps{{Leaf("a", {6, 6}), Leaf("a bias", {6})},
                                 {Leaf("b", {6, 6}), {}},
                                 {Leaf("c", {4, 6}), Leaf("c bias", {4})}};
  const Tensors leaves{x,
                       norm.weight,
                       norm.bias,
                       maps[0].weight,
                       maps[0].bias,
                       maps[1].weight,
                       maps[2].weight,
                       maps[2].bias};
  const Tensors expected = OutputsAndGradients(
      [&] {
        const at::Tensor rows = AsRows(LayerNormLast(x, norm.weight, norm.bias, norm.eps));
        Tensors out;
        for (const Linear& map : maps) out.push_back(LinearRows(rows, map.weight, map.bias));
        return out;
      },
      leaves);
  const auto fused = [&](bool lean) {
    return OutputsAndGradients([&] { return NormLinear(x, norm, maps, lean); }, leaves);
  };
  ExpectNear(fused(false), expected, 1e-14);
  ExpectSameBits(fused(true), fused(false));
}

TEST(NormLinearTest, FrozenParametersGetNoGradientAndTheOthersTheirs) {
  const at::Tensor x = Leaf("x", {2, 5, 6});
  const Norm norm{FormulaTensor("scale", {6}), FormulaTensor("shift", {6}), 1e-3};
  const Linear frozen{FormulaTensor("a", {6, 6}), FormulaTensor("a bias", {6})};
  const Linear free{Leaf("b", {6, 6}), Leaf("b bias", {6})};
  const auto run = [&](bool fused) {
    return OutputsAndGradients(
        [&] {
          if (fused) return NormLinear(x, norm, {frozen, free}, true);
          const at::Tensor rows = AsRows(LayerNormLast(x, norm.weight, norm.bias, norm.eps));
          return Tensors{LinearRows(rows, frozen.weight, frozen.bias),
                         LinearRows(rows, free.weight, free.bias)};
        },
        {x, free.weight, free.bias});
  };
  ExpectNear(run(true), run(false), 1e-14);
  EXPECT_FALSE(frozen.weight.grad().defined());
}

TEST(GeluLinearTest, BothFormsEqualAutogradsCompositionOfGeluAndLinearMap) {
  const at::Tensor hidden = Leaf("hidden", {7, 6});
  const at::Tensor base = Leaf("base", {7, 4});
  for (const at::Tensor& bias : {Leaf("bias", {4}), at::Tensor()}) {
    const Linear map{Leaf("weight", {4, 6}), bias};
    Tensors leaves{hidden, base, map.weight};
    if (bias.defined()) leaves.push_back(bias);
    const Tensors expected = OutputsAndGradients(
        [&] { return Tensors{base + LinearRows(at::gelu(hidden), map.weight, map.bias)}; }, leaves);
    const auto fused = [&](bool lean) {
      return OutputsAndGradients([&] { return Tensors{GeluLinear(hidden, map, base, lean)}; },
                                 leaves);
    };
    ExpectNear(fused(false), expected, 1e-14);
    ExpectSameBits(fused(true), fused(false));
  }
}

TEST(AttentionTest, IsSoftmaxOfScaledProductsPerHeadAndCausalWhenAsked) {
  const int64_t batch = 2, heads = 3, tokens = 5, width = 4;
  const std::vector<int64_t> sizes{batch * tokens, heads * width};
  const at::Tensor q = FormulaTensor("q", sizes), k = FormulaTensor("k", sizes),
                   v = FormulaTensor("v", sizes);
  const auto split = [&](const at::Tensor& rows) {
    return rows.view({batch, tokens, heads, width}).transpose(1, 2);
  };
  for (const bool causal : {false, true}) {
    at::Tensor scores =
        split(q).matmul(split(k).transpose(2, 3)) / std::sqrt(static_cast<double>(width));
    if (causal) {
      const at::Tensor seen = at::tril(at::ones_like(scores)).to(at::kBool);
      scores = scores.masked_fill(seen.logical_not(), -std::numeric_limits<double>::infinity());
    }
    const at::Tensor expected =
        at::softmax(scores, -1).matmul(split(v)).transpose(1, 2).reshape(sizes);
    ExpectNear({MultiHeadAttention(q, k, v, {batch, heads, causal})}, {expected}, 1e-13);
  }
}

struct Case {
  const char* name;
  std::unique_ptr<Stage> stage;
  Tensors in;
  int64_t less;  // bytes by which the lean form at least keeps less
};

std::vector<Case> Halves(double dropout) {
  HalfOptions options;
  options.dim = 32;
  options.heads = 2;
  options.hidden = 128;
  options.slots = 2;
  options.dropout = options.drop_path = dropout;
  const AttentionKeys keys{"norm", KeysOf("q"), {"k.weight", ""}, KeysOf("v"), KeysOf("out")};
  const MlpKeys mlp{"norm", KeysOf("up"), KeysOf("down")};
  const at::Tensor x = FormulaTensor("x", {4, 24, 32}).to(at::kFloat);
  const at::Tensor states = FormulaTensor("states", {4, 40, 32}).to(at::kFloat);
  const int64_t rows = 4 * 24 * 4;  // bytes of one float per row
  std::vector<Case> cases;
  cases.push_back(
      {"self", std::make_unique<SelfAttentionHalf>("a", options, keys), {x, states}, rows * 32});
  cases.push_back(
      {"cross", std::make_unique<CrossAttentionHalf>("c", options, keys), {x, states}, rows * 32});
  cases.push_back(
      {"mlp", std::make_unique<MlpHalf>("m", options, mlp), {x, states}, rows * (32 + 128)});
  return cases;
}

TEST(TransformerHalfTest, LeanFormHasTheSameBitsAndKeepsNoNormalisedRowsAndActivation) {
  for (const double dropout : {0.0, 0.3}) {
    for (Case& half : Halves(dropout)) {
      Tensors leaves{half.in[0].requires_grad_()};
      for (const NamedTensor& named : half.stage->parameters()) leaves.push_back(named.tensor);
      int64_t kept[2];
      Tensors results[2];
      for (const bool lean : {false, true}) {
        StageContext context;
        context.training = true;
        context.lean = lean;
        {
          const int64_t before = ReadCpuMemory().live_bytes;
          const Tensors out = half.stage->Forward(context, half.in);
          kept[lean] = ReadCpuMemory().live_bytes - before;
        }
        results[lean] = OutputsAndGradients(
            [&] { return Tensors{half.stage->Forward(context, half.in)[0]}; }, leaves);
      }
      ExpectSameBits(results[1], results[0]);
      EXPECT_GE(kept[0] - kept[1], half.less) << half.name << " " << dropout;
    }
  }
}

// Enables bfloat16 autocast in this thread while the object lives.
class CpuAutocast {
 public:
  CpuAutocast() {
    at::autocast::set_autocast_enabled(at::kCPU, true);
    at::autocast::set_autocast_dtype(at::kCPU, at::kBFloat16);
    at::autocast::increment_nesting();
  }
  ~CpuAutocast() {
    at::autocast::set_autocast_enabled(at::kCPU, false);
    if (at::autocast::decrement_nesting() == 0) at::autocast::clear_cache();
  }
};

TEST(TransformerHalfTest, UnderAutocastResidualAndGradientsStayFloat32AndBothFormsAgree) {
  for (Case& half : Halves(0.0)) {
    Tensors leaves{half.in[0].requires_grad_()};
    for (const NamedTensor& named : half.stage->parameters()) leaves.push_back(named.tensor);
    const auto run = [&](bool lean, bool autocast) {
      StageContext context;
      context.training = true;
      context.lean = lean;
      return OutputsAndGradients(
          [&] {
            std::optional<CpuAutocast> narrow;
            if (autocast) narrow.emplace();
            return Tensors{half.stage->Forward(context, half.in)[0]};
          },
          leaves);
    };
    const Tensors plain = run(false, true);
    ExpectSameBits(run(true, true), plain);
    const Tensors wide = run(false, false);
    for (size_t i = 0; i < plain.size(); ++i) {
      EXPECT_EQ(plain[i].scalar_type(), at::kFloat) << half.name << " " << i;
      // bfloat16 has eight bits of mantissa. Norms of parts that cancel are compared with 1.
      EXPECT_LE((plain[i] - wide[i]).norm().item<double>(),
                0.03 * std::max(1.0, wide[i].norm().item<double>()))
          << half.name << " " << i;
      EXPECT_FALSE(at::equal(plain[i], wide[i])) << "autocast did nothing";
    }
  }
}

TEST(TransformerHalfTest, HandsOnTheOtherSlots) {
  for (Case& half : Halves(0.0)) {
    const Tensors out = half.stage->Forward({}, half.in);
    ASSERT_EQ(out.size(), 2u);
    EXPECT_TRUE(out[1].is_same(half.in[1])) << half.name;
    EXPECT_EQ(half.stage->handed_on(), (std::vector<int>{-1, 1}));
  }
}

TEST(TransformerHalfTest, DropPathGrowsLinearlyToTheLastLayer) {
  for (int64_t layer = 0; layer < 4; ++layer) {
    EXPECT_NEAR(LayerDropPath(0.3, layer, 4), 0.1 * static_cast<double>(layer), 1e-15);
    EXPECT_EQ(LayerDropPath(-1.0, layer, 4), 0.0);
  }
  EXPECT_EQ(LayerDropPath(0.3, 0, 1), 0.3);
}

// Halves of equal signature share one profile, but a branch with dropout keeps other bytes.
TEST(TransformerHalfTest, SignaturesDifferByDropoutButNotByLayer) {
  const auto signature = [](const std::string& name, double dropout, double drop_path) {
    HalfOptions options;
    options.dim = 8;
    options.hidden = 16;
    options.dropout = dropout;
    options.drop_path = drop_path;
    return MlpHalf(name, options, {"norm", KeysOf("up"), KeysOf("down")}).signature();
  };
  EXPECT_EQ(signature("layer.0", 0.1, 0.1), signature("layer.1", 0.1, 0.2));
  EXPECT_NE(signature("layer.0", 0.1, 0.0), signature("layer.0", 0.0, 0.0));
  EXPECT_NE(signature("layer.0", 0.0, 0.1), signature("layer.0", 0.0, 0.0));
}

TEST(ParameterMakerTest, MetaDeviceGivesShapesWithoutMemory) {
  StageState state;
  const int64_t before = ReadCpuMemory().live_bytes;
  ParameterMaker make({0, at::kFloat, at::kMeta}, &state);
  make.Normal("w", {1 << 20, 1 << 20}, 0.02);
  make.Constant("b", {1 << 20}, 0.0);
  EXPECT_EQ(ReadCpuMemory().live_bytes, before);
  EXPECT_EQ(state.parameters[0].tensor.numel(), int64_t{1} << 40);
}

}  // namespace
}  // namespace slimreel
