#include "models/testing/parity.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros_like.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "models/layers/keyed_random.h"

namespace slimreel {
namespace {

constexpr double kLr = 0.02;
constexpr double kMomentum = 0.9;

std::vector<NamedTensor> ParametersOf(const ParityCase& parity) {
  std::vector<NamedTensor> all;
  for (const auto& stage : parity.stages) {
    all.insert(all.end(), stage->parameters().begin(), stage->parameters().end());
  }
  return all;
}

// Norm and projection, within `tolerance` of the norm.
void ExpectSummary(const nlohmann::json& expected, const std::string& name, const at::Tensor& got,
                   double tolerance) {
  ASSERT_TRUE(expected.is_array()) << "the fixture has no " << name;
  const at::Tensor x = got.detach().to(at::kDouble).contiguous();
  const double norm = expected[0].get<double>();
  const double projection =
      (x * FormulaTensor("projection " + name, x.sizes())).sum().item<double>();
  // A gradient that is zero but for rounding is compared with 1.
  const double scale =
      std::max(norm, 1.0) * std::max(1.0, std::sqrt(static_cast<double>(x.numel())));
  EXPECT_NEAR(x.norm().item<double>(), norm, tolerance * scale) << name;
  EXPECT_NEAR(projection, expected[1].get<double>(), tolerance * scale) << name;
}

// [B] or, of speech, [B, L].
at::Tensor IntegerTensor(const nlohmann::json& rows) {
  std::vector<int64_t> flat;
  if (!rows[0].is_array()) return at::tensor(rows.get<std::vector<int64_t>>(), at::kLong);
  for (const nlohmann::json& row : rows) {
    for (const nlohmann::json& number : row) flat.push_back(number.get<int64_t>());
  }
  return at::tensor(flat, at::kLong).view({static_cast<int64_t>(rows.size()), -1});
}

struct Run {
  ParityCase parity;
  StageContext context;
  Tensors targets;
  Tensors inputs;
};

Run MakeRun(const ParityCase& parity, const std::string& mode, bool lean) {
  Run run{parity, {}, {}, {}};
  run.targets = {IntegerTensor(parity.fixture["labels"])};
  run.context.training = mode == "train";
  run.context.lean = lean;
  run.context.loss_denominator = parity.loss.ValidWeight(run.targets);
  const at::ScalarType dtype = ParametersOf(parity)[0].tensor.scalar_type();
  const nlohmann::json& shapes = parity.fixture["inputs"];
  for (size_t i = 0; i < shapes.size(); ++i) {
    run.inputs.push_back(FormulaTensor(i == 0 ? "input" : absl::StrCat("input ", i),
                                       shapes[i].get<std::vector<int64_t>>())
                             .to(dtype));
  }
  if (parity.fixture.contains("integer_inputs")) {
    for (const nlohmann::json& rows : parity.fixture["integer_inputs"]) {
      run.inputs.push_back(IntegerTensor(rows));
    }
  }
  return run;
}

// The last stage's tuple. `activations`: [norm, projection, slot] by stage name, or null.
Tensors Forward(Run& run, const nlohmann::json& activations, double tolerance) {
  run.context.targets = &run.targets;
  Tensors slots = run.inputs;
  size_t compared = 0;
  for (const auto& stage : run.parity.stages) {
    slots = stage->Forward(run.context, slots);
    if (!activations.contains(stage->name())) continue;
    const nlohmann::json& expected = activations[stage->name()];
    ExpectSummary(expected, stage->name(), slots[expected[2].get<size_t>()], tolerance);
    ++compared;
  }
  EXPECT_EQ(compared, activations.size());
  return slots;
}

void ExpectLogits(const nlohmann::json& expected, const Tensors& got, double tolerance) {
  ASSERT_EQ(got.size(), expected.size());
  for (size_t head = 0; head < got.size(); ++head) {
    const auto logits = expected[head].get<std::vector<double>>();
    const at::Tensor flat = got[head].detach().flatten();
    ASSERT_EQ(flat.numel(), static_cast<int64_t>(logits.size()));
    for (size_t i = 0; i < logits.size(); ++i) {
      EXPECT_NEAR(flat[i].item<double>(), logits[i], tolerance * 10) << head << " " << i;
    }
  }
}

void ExpectGradientsAndBuffers(const Run& run, const nlohmann::json& expected, double tolerance) {
  const std::vector<NamedTensor> parameters = ParametersOf(run.parity);
  EXPECT_EQ(parameters.size(), expected["gradients"].size());
  for (const NamedTensor& named : parameters) {
    ASSERT_TRUE(named.tensor.grad().defined()) << named.name;
    ExpectSummary(expected["gradients"][named.name], named.name, named.tensor.grad(), tolerance);
  }
  size_t buffers = 0;
  for (const auto& stage : run.parity.stages) {
    for (const NamedTensor& named : stage->buffers()) {
      ExpectSummary(expected["buffers_after"][named.name], named.name, named.tensor, tolerance);
      ++buffers;
    }
  }
  EXPECT_EQ(buffers, expected["buffers_after"].size());
}

// torch.optim.SGD(lr, momentum); gradients of the first step are there already.
void ExpectThreeSteps(Run& run, const nlohmann::json& expected, double tolerance) {
  const std::vector<NamedTensor> parameters = ParametersOf(run.parity);
  Tensors momenta;
  for (const NamedTensor& named : parameters) momenta.push_back(at::zeros_like(named.tensor));
  for (int step = 0; step < 3; ++step) {
    if (step > 0) {
      const at::Tensor loss = run.parity.loss.Forward(run.context, Forward(run, {}, tolerance))[0];
      EXPECT_NEAR(loss.item<double>(), expected["losses"][step].get<double>(), tolerance * 10);
      loss.backward();
    }
    at::NoGradGuard no_grad;
    for (size_t i = 0; i < parameters.size(); ++i) {
      at::Tensor weight = parameters[i].tensor;
      momenta[i].mul_(kMomentum).add_(weight.grad());
      weight.add_(momenta[i], -kLr);
      weight.mutable_grad().reset();
    }
  }
  for (const NamedTensor& named : parameters) {
    ExpectSummary(expected["weights"][named.name], named.name, named.tensor, tolerance * 10);
  }
}

}  // namespace

nlohmann::json ReadFixture(const std::string& path) {
  std::ifstream file(path);
  return nlohmann::json::parse(file);
}

at::Tensor FormulaTensor(const std::string& key, at::IntArrayRef sizes) {
  at::Tensor out = at::empty(sizes, at::kDouble);
  const uint64_t state = LayerId(key);
  for (int64_t i = 0; i < out.numel(); ++i) {
    const uint64_t bits = MixBits(state + 0x9e3779b97f4a7c15ull * static_cast<uint64_t>(i));
    out.mutable_data_ptr<double>()[i] = static_cast<double>(bits >> 11) * 0x1.0p-52 - 1.0;
  }
  return out;
}

void RandomiseByFormula(const std::vector<std::unique_ptr<Stage>>& stages) {
  at::NoGradGuard no_grad;
  for (const auto& stage : stages) {
    for (const auto* list : {&stage->parameters(), &stage->buffers()}) {
      for (const NamedTensor& named : *list) {
        if (named.name.ends_with("num_batches_tracked")) continue;
        at::Tensor v = FormulaTensor(named.name, named.tensor.sizes());
        if (v.dim() > 1) {
          v = v * std::sqrt(3.0 / static_cast<double>(v[0].numel()));
        } else if (named.name.ends_with("running_var")) {
          v = 1.0 + 0.5 * v;
        } else if (named.name.ends_with("weight")) {
          v = 1.0 + 0.3 * v;
        } else {
          v = 0.2 * v;
        }
        named.tensor.detach().copy_(v);
      }
    }
  }
}

void ExpectParity(const ParityCase& parity, const std::string& mode, double tolerance, bool lean) {
  RandomiseByFormula(parity.stages);
  const nlohmann::json& expected = parity.fixture[mode];
  Run run = MakeRun(parity, mode, lean);
  const Tensors logits = Forward(run, expected["activations"], tolerance);
  ExpectLogits(expected["logits"], logits, tolerance);
  const at::Tensor loss = parity.loss.Forward(run.context, logits)[0];
  EXPECT_NEAR(loss.item<double>(), expected["loss"].get<double>(), tolerance);
  loss.backward();
  ExpectGradientsAndBuffers(run, expected, tolerance);
  if (mode == "train") ExpectThreeSteps(run, expected, tolerance);
}

}  // namespace slimreel
