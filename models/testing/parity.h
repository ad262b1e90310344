// Compares a chain of stages with a fixture of
// tools/parity/make_{conv,transformer}_fixtures.py.
#ifndef MODELS_TESTING_PARITY_H_
#define MODELS_TESTING_PARITY_H_

#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "memory/stage/stage.h"
#include "models/losses/loss.h"
#include "models/testing/formula.h"  // IWYU pragma: export

namespace slimreel {

nlohmann::json ReadFixture(const std::string& path);

// A network with a fixture's sizes, without dropout. The loss has the fixture's weights and
// label smoothing.
struct ParityChain {
  std::vector<std::unique_ptr<Stage>> stages;
  std::unique_ptr<Loss> loss;
};
using MakeParityChain =
    std::function<ParityChain(const nlohmann::json& fixture, at::ScalarType dtype)>;

// Compares, with weights by formula, in float64 and float32, in training and evaluation, in
// plain and lean form: each slot that a stage makes, logits, loss, every gradient, and every
// buffer afterwards. In training it then compares losses and final weights of three steps of
// SGD with momentum. See Note [Tolerances] in the .cc.
void ExpectParity(const std::string& fixture_path, const MakeParityChain& make);

}  // namespace slimreel

#endif  // MODELS_TESTING_PARITY_H_
