#include "models/testing/formula.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>

#include <cmath>

#include "absl/strings/str_cat.h"
#include "base/counter_random.h"
#include "models/layers/keyed_random.h"

namespace slimreel {
namespace {

at::Tensor FormulaParameter(const std::string& name, at::IntArrayRef sizes) {
  const at::Tensor v = FormulaTensor(name, sizes);
  if (v.dim() > 1) return v * std::sqrt(3.0 / static_cast<double>(v[0].numel()));
  if (name.ends_with("running_var")) return 1.0 + 0.5 * v;
  if (name.ends_with("weight")) return 1.0 + 0.3 * v;
  return 0.2 * v;
}

}  // namespace

at::Tensor FormulaTensor(const std::string& key, at::IntArrayRef sizes) {
  at::Tensor out = at::empty(sizes, at::kDouble);
  double* values = out.mutable_data_ptr<double>();
  const uint64_t state = LayerId(key);
  for (int64_t i = 0; i < out.numel(); ++i) {
    const uint64_t bits = CounterBits(state, static_cast<uint64_t>(i));
    values[i] = 2.0 * UniformDouble(bits) - 1.0;
  }
  return out;
}

void RandomiseByFormula(const std::vector<std::unique_ptr<Stage>>& stages) {
  at::NoGradGuard no_grad;
  for (const auto& stage : stages) {
    for (const auto* list : {&stage->parameters(), &stage->buffers()}) {
      for (const NamedTensor& named : *list) {
        if (named.name.ends_with("num_batches_tracked")) continue;
        named.tensor.detach().copy_(
            FormulaParameter(named.name, named.tensor.sizes()).to(at::kFloat));
      }
    }
  }
}

Tensors FormulaInputs(const std::vector<std::vector<int64_t>>& sizes, at::ScalarType dtype) {
  Tensors inputs;
  for (size_t i = 0; i < sizes.size(); ++i) {
    const std::string key = i == 0 ? "input" : absl::StrCat("input ", i);
    inputs.push_back(FormulaTensor(key, sizes[i]).to(at::kFloat).to(dtype));
  }
  return inputs;
}

}  // namespace slimreel
