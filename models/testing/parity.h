// Holds a chain of stages to a fixture of tools/parity/make_{conv,transformer}_fixtures.py.
#ifndef MODELS_TESTING_PARITY_H_
#define MODELS_TESTING_PARITY_H_

#include <ATen/core/Tensor.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "models/losses/loss.h"
#include "models/stage/stage.h"

namespace slimreel {

nlohmann::json ReadFixture(const std::string& path);

// Uniform in [-1, 1), float64, a function of key and sizes: `value` of tools/parity/formula.py.
at::Tensor FormulaTensor(const std::string& key, at::IntArrayRef sizes);

// Every parameter and buffer by that formula: `randomise` of tools/parity/formula.py.
void RandomiseByFormula(const std::vector<std::unique_ptr<Stage>>& stages);

// The chain of a fixture; the loss has the fixture's weights and smoothing.
struct ParityCase {
  const nlohmann::json& fixture;
  const std::vector<std::unique_ptr<Stage>>& stages;
  Loss& loss;
};

// Mode "train" or "eval": randomises, then compares each recorded activation, all logits,
// the loss, every gradient and every buffer afterwards, relative to `tolerance`; in
// training then three steps of SGD with momentum: losses and final weights. `lean`
// runs the stages' lean forms.
void ExpectParity(const ParityCase& parity, const std::string& mode, double tolerance, bool lean);

}  // namespace slimreel

#endif  // MODELS_TESTING_PARITY_H_
