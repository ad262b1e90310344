// Weights and inputs as a function of their key, so fixtures and tests store only results.
// Also gives tests numbers without a generator.
//
// Threading: pure functions, any thread.
#ifndef MODELS_TESTING_FORMULA_H_
#define MODELS_TESTING_FORMULA_H_

#include <ATen/core/Tensor.h>

#include <memory>
#include <string>
#include <vector>

#include "memory/stage/stage.h"

namespace slimreel {

// Uniform in [-1, 1), float64. A function of key and sizes: `uniform` of tools/parity/formula.py.
at::Tensor FormulaTensor(const std::string& key, at::IntArrayRef sizes);

// Sets every parameter and buffer by that formula, rounded to float32: `randomise` of
// tools/parity/formula.py. Includes tensors that start at zero or one, which could hide errors.
void RandomiseByFormula(const std::vector<std::unique_ptr<Stage>>& stages);

// Stage 0's floating-point slots with these sizes: `inputs_of` of tools/parity/formula.py.
Tensors FormulaInputs(const std::vector<std::vector<int64_t>>& sizes, at::ScalarType dtype);

}  // namespace slimreel

#endif  // MODELS_TESTING_FORMULA_H_
