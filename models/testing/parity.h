// Holds a chain of stages to a fixture of tools/parity/make_{conv,transformer}_fixtures.py.
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

// A network of a fixture's sizes, without dropout; the loss has the fixture's weights and
// smoothing.
struct ParityChain {
  std::vector<std::unique_ptr<Stage>> stages;
  std::unique_ptr<Loss> loss;
};
using MakeParityChain =
    std::function<ParityChain(const nlohmann::json& fixture, at::ScalarType dtype)>;

// In float64 and float32, training and evaluation, plain and lean, from the formula's weights:
// each slot that a stage makes, logits, loss, every gradient, every buffer afterwards; in
// training then three steps of SGD with momentum: losses and final weights. See Note [How
// near] in the .cc.
void ExpectParity(const std::string& fixture_path, const MakeParityChain& make);

}  // namespace slimreel

#endif  // MODELS_TESTING_PARITY_H_
