#include "models/testing/parity.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/zeros_like.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "models/testing/recording.h"

namespace slimreel {
namespace {

// Note [Tolerances]
// For each of the reference's float64 tensors r, a fixture has its L2 norm, the distance `own`
// of the reference's float32 tensor from it, and k projections <p_i, r> on vectors of
// independent uniform elements in [-1, 1). For a tensor x of ours, sqrt(3/k sum_i
// <p_i, x - r>^2) estimates the L2 distance |x - r| without bias (Johnson and Lindenstrauss
// 1984). The distance must be within the largest of
//   tolerance * |r|                1e-10 in float64, 1e-5 in float32
//   3 * own (* 2^-29 in float64)   only in networks with kinks (ReLU, max-pooling: `has_kinks`),
//                                  where rounding decides on which side an element lies
//   eps * |all gradients|          only for gradients: one that is zero except for rounding (a
//                                  bias before a softmax) has no norm to compare with
constexpr double kLr = 0.02;
constexpr double kMomentum = 0.9;
constexpr double kOwnDistances = 3.0;

struct Precision {
  at::ScalarType dtype;
  double tolerance;
  double eps;
};
constexpr Precision kPrecisions[] = {
    {at::kDouble, 1e-10, 0.5 * std::numeric_limits<double>::epsilon()},
    {at::kFloat, 1e-5, 0.5 * std::numeric_limits<float>::epsilon()}};

// The fixture's tensors of one kind (activations, gradients, ...) in one mode.
class Summaries {
 public:
  Summaries(const nlohmann::json& expected, const Precision& precision, bool has_kinks,
            bool gradients)
      : expected_(expected), precision_(precision), has_kinks_(has_kinks) {
    double squares = 0.0;
    for (const nlohmann::json& row : expected) squares += std::pow(row[0].get<double>(), 2);
    if (gradients) floor_ = precision.eps * std::sqrt(squares);
  }

  void Expect(const std::string& name, const at::Tensor& tensor) {
    ASSERT_TRUE(expected_.contains(name)) << "the fixture has no " << name;
    ++compared_;
    const auto row = expected_[name].get<std::vector<double>>();  // norm, own, projections
    const at::Tensor x = tensor.detach().to(at::kDouble).flatten();
    const auto count = static_cast<int64_t>(row.size()) - 2;
    const at::Tensor projections = FormulaTensor("projection " + name, {count, x.numel()}).mv(x);
    double squares = 0.0;
    for (int64_t i = 0; i < count; ++i) {
      squares += std::pow(projections[i].item<double>() - row[static_cast<size_t>(i) + 2], 2);
    }
    const double distance = std::sqrt(3.0 / static_cast<double>(count) * squares);
    const double own = row[1] * precision_.eps / kPrecisions[1].eps;
    const double bound =
        std::max({precision_.tolerance * row[0], has_kinks_ ? kOwnDistances * own : 0.0, floor_});
    EXPECT_LE(distance, bound) << name << ", norm " << row[0] << ", own distance " << own;
  }

  // Expects that every tensor of the fixture was compared.
  void ExpectAll() const { EXPECT_EQ(compared_, expected_.size()); }

 private:
  const nlohmann::json& expected_;
  const Precision& precision_;
  bool has_kinks_;
  double floor_ = 0.0;
  size_t compared_ = 0;
};

class ParityRun {
 public:
  ParityRun(const nlohmann::json& fixture, const std::string& mode, const Precision& precision,
            const ParityChain& chain)
      : expected_(fixture[mode]),
        precision_(precision),
        has_kinks_(fixture.value("has_kinks", false)),
        chain_(chain) {
    targets_ = {IntegerTensor(fixture["labels"])};
    inputs_ = FormulaInputs(fixture["inputs"], precision.dtype);
    for (const nlohmann::json& rows : fixture.value("integer_inputs", nlohmann::json::array())) {
      inputs_.push_back(IntegerTensor(rows));
    }
    context_.training = mode == "train";
    context_.loss_denominator = chain.loss->ValidWeight(targets_);
    context_.targets = &targets_;
    RandomiseByFormula(chain.stages);
  }

  void Expect(bool lean) {
    context_.lean = lean;
    const Recording recording = RunRecorded(chain_.stages, context_, inputs_);
    ExpectKind("activations", recording.activations);
    std::vector<NamedTensor> logits;
    for (const at::Tensor& head : recording.last) {
      logits.push_back({absl::StrCat(logits.size()), head});
    }
    ExpectKind("logits", logits);
    std::vector<NamedTensor> losses{{"0", Loss(recording.last)}};
    losses[0].tensor.backward();
    ExpectKind("gradients", Gradients());
    CommitStep();
    ExpectKind("buffers", Buffers());
    if (context_.training) {
      ExpectSteps(std::move(losses));
    } else {
      ExpectKind("losses", losses);
    }
  }

 private:
  void ExpectKind(const std::string& kind, const std::vector<NamedTensor>& tensors) {
    SCOPED_TRACE(kind);
    Summaries summaries(expected_[kind], precision_, has_kinks_, kind == "gradients");
    for (const NamedTensor& named : tensors) summaries.Expect(named.name, named.tensor);
    summaries.ExpectAll();
  }

  at::Tensor Loss(const Tensors& last) { return chain_.loss->Forward(context_, last)[0]; }

  std::vector<NamedTensor> Parameters() const {
    std::vector<NamedTensor> all;
    for (const auto& stage : chain_.stages) {
      all.insert(all.end(), stage->parameters().begin(), stage->parameters().end());
    }
    return all;
  }
  std::vector<NamedTensor> Buffers() const {
    std::vector<NamedTensor> all;
    for (const auto& stage : chain_.stages) {
      all.insert(all.end(), stage->buffers().begin(), stage->buffers().end());
    }
    return all;
  }
  std::vector<NamedTensor> Gradients() const {
    std::vector<NamedTensor> all = Parameters();
    for (NamedTensor& named : all) named.tensor = named.tensor.grad();
    return all;
  }

  void CommitStep() const {
    for (const auto& stage : chain_.stages) CommitLogs(StepLogs({stage.get()}));
  }

  // torch.optim.SGD(lr, momentum). The gradients of the first step exist already.
  void ExpectSteps(std::vector<NamedTensor> losses) {
    const std::vector<NamedTensor> parameters = Parameters();
    Tensors momenta;
    for (const NamedTensor& named : parameters) momenta.push_back(at::zeros_like(named.tensor));
    for (int step = 0; step < 3; ++step) {
      if (step > 0) {
        const at::Tensor loss = Loss(RunRecorded(chain_.stages, context_, inputs_).last);
        losses.push_back({absl::StrCat(step), loss});
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
    ExpectKind("losses", losses);
    ExpectKind("weights", parameters);
  }

  const nlohmann::json& expected_;
  const Precision& precision_;
  bool has_kinks_;
  const ParityChain& chain_;
  StageContext context_;
  Tensors targets_;
  Tensors inputs_;
};

}  // namespace

nlohmann::json ReadFixture(const std::string& path) {
  std::ifstream file(path);
  return nlohmann::json::parse(file);
}

void ExpectParity(const std::string& fixture_path, const MakeParityChain& make) {
  const nlohmann::json fixture = ReadFixture(fixture_path);
  for (const Precision& precision : kPrecisions) {
    for (const char* mode : {"train", "eval"}) {
      for (const bool lean : {false, true}) {
        SCOPED_TRACE(testing::Message()
                     << fixture_path << " " << precision.dtype << " " << mode << " lean " << lean);
        const ParityChain chain = make(fixture, precision.dtype);
        ParityRun(fixture, mode, precision, chain).Expect(lean);
      }
    }
  }
}

}  // namespace slimreel
