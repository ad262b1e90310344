// Weights and inputs as a function of their key, so that fixtures and tests hold results only.
//
// Callers: parity tests, and other tests that want numbers without a generator. Pure functions.
#ifndef MODELS_TESTING_FORMULA_H_
#define MODELS_TESTING_FORMULA_H_

#include <ATen/core/Tensor.h>

#include <memory>
#include <string>
#include <vector>

#include "memory/stage/stage.h"

namespace slimreel {

// Uniform in [-1, 1), float64, a function of key and sizes: `uniform` of tools/parity/formula.py.
at::Tensor FormulaTensor(const std::string& key, at::IntArrayRef sizes);

// Every parameter and buffer by that formula, rounded to float32 numbers: `randomise` of
// tools/parity/formula.py. Zero- and one-initialised ones too, so that they hide nothing.
void RandomiseByFormula(const std::vector<std::unique_ptr<Stage>>& stages);

// The floating-point slots of stage 0 of these sizes: `inputs_of` of tools/parity/formula.py.
Tensors FormulaInputs(const std::vector<std::vector<int64_t>>& sizes, at::ScalarType dtype);

}  // namespace slimreel

#endif  // MODELS_TESTING_FORMULA_H_
