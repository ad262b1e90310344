// The optimizers against torch.optim's loops over tensors, by the fixture of
// tools/parity/make_optimizer_fixtures.py: five given gradients, a changing rate, weight decay
// and a group without.
#include <ATen/TensorOperators.h>
#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "models/testing/formula.h"
#include "trainer/optim/optimizer.h"

namespace slimreel {
namespace {

struct ParityOptimizer {
  const char* fixture;
  OptimizerKind kind;
  double momentum = 0.9;
  double beta2 = 0.999;
  double eps = 1e-8;

  TrainOptions options() const {
    TrainOptions options;
    options.optimizer = kind;
    options.momentum = momentum;
    options.betas[1] = beta2;
    options.eps = eps;
    return options;
  }
};

class OptimizerParityTest : public testing::TestWithParam<ParityOptimizer> {};

nlohmann::json Fixture() {
  std::ifstream file("trainer/optim/testdata/optimizers.json");
  return nlohmann::json::parse(file);
}

std::vector<NamedTensor> FormulaLeaves(const nlohmann::json& shapes, at::ScalarType dtype) {
  std::vector<NamedTensor> leaves;
  for (const auto& [name, shape] : shapes.items()) {
    const at::Tensor values = FormulaTensor(name, shape.get<std::vector<int64_t>>());
    leaves.push_back({name, values.to(dtype).clone().requires_grad_()});
  }
  return leaves;
}

void SetGradients(const std::vector<NamedTensor>& leaves, size_t step) {
  for (const NamedTensor& leaf : leaves) {
    const at::Tensor gradient =
        FormulaTensor(absl::StrCat("gradient ", step, " ", leaf.name), leaf.tensor.sizes()) *
        std::pow(10.0, -static_cast<double>(step));
    leaf.tensor.mutable_grad() = gradient.to(leaf.tensor.scalar_type());
  }
}

// Relative L2 distance of each tensor of the fixture.
void ExpectNear(const nlohmann::json& expected, const std::vector<NamedTensor>& got,
                double tolerance) {
  size_t compared = 0;
  for (const NamedTensor& named : got) {
    if (!expected.contains(named.name)) continue;
    const at::Tensor reference = at::tensor(expected[named.name].get<std::vector<double>>());
    const at::Tensor distance = named.tensor.detach().to(at::kDouble).flatten() - reference;
    EXPECT_LE(distance.norm().item<double>(), tolerance * reference.norm().item<double>())
        << named.name;
    ++compared;
  }
  EXPECT_EQ(compared, expected.size());
}

void ExpectSteps(const ParityOptimizer& optimizer_case, at::ScalarType dtype, double tolerance) {
  const nlohmann::json fixture = Fixture();
  const nlohmann::json& expected =
      fixture[optimizer_case.fixture][dtype == at::kDouble ? "float64" : "float32"];
  const std::vector<NamedTensor> leaves = FormulaLeaves(fixture["shapes"], dtype);
  Optimizer optimizer(optimizer_case.options(),
                      MakeParamGroups(leaves, fixture["weight_decay"], true));
  size_t kept = 0;
  for (size_t step = 1; step <= fixture["rates"].size(); ++step) {
    SetGradients(leaves, step);
    optimizer.Step(fixture["rates"][step - 1]);
    if (!expected.contains(absl::StrCat(step))) continue;
    SCOPED_TRACE(testing::Message() << dtype << ", after step " << step);
    std::vector<NamedTensor> tensors = leaves;
    tensors.insert(tensors.end(), optimizer.State().begin(), optimizer.State().end());
    ExpectNear(expected[absl::StrCat(step)], tensors, tolerance);
    ++kept;
  }
  EXPECT_EQ(kept, expected.size());
}

TEST_P(OptimizerParityTest, WeightsAndStateAreThoseOfTorchOptim) {
  ExpectSteps(GetParam(), at::kDouble, 1e-15);
  ExpectSteps(GetParam(), at::kFloat, 1e-7);
}

INSTANTIATE_TEST_SUITE_P(
    Optimizers, OptimizerParityTest,
    testing::Values(
        ParityOptimizer{
            .fixture = "adamw", .kind = OptimizerKind::kAdamW, .beta2 = 0.95, .eps = 1e-6},
        ParityOptimizer{.fixture = "adam", .kind = OptimizerKind::kAdam},
        ParityOptimizer{.fixture = "sgd", .kind = OptimizerKind::kSgd},
        ParityOptimizer{.fixture = "plain sgd", .kind = OptimizerKind::kSgd, .momentum = 0.0}),
    [](const auto& named) {
      return named.param.momentum == 0.0 ? std::string("plain_sgd")
                                         : std::string(named.param.fixture);
    });

}  // namespace
}  // namespace slimreel
