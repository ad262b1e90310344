// GELU (exact, by erf) and the linear map that reads it, as one node of autograd.
//
// Callers: MLP halves. Any thread. Owns nothing.
#ifndef MODELS_LAYERS_TRANSFORMER_GELU_LINEAR_H_
#define MODELS_LAYERS_TRANSFORMER_GELU_LINEAR_H_

#include <ATen/core/Tensor.h>

#include "models/layers/linear.h"

namespace slimreel {

// hidden [N, H] before the activation -> [N, out], fresh and not needed by
// backward: base [N, out] (undefined: zero) + the map of gelu(hidden). base has
// the product's dtype. Saved for backward: hidden and, unless lean,
// gelu(hidden), which the lean form computes again; the bits are the same.
at::Tensor GeluLinear(const at::Tensor& hidden, const Linear& map, const at::Tensor& base,
                      bool lean);

}  // namespace slimreel

#endif  // MODELS_LAYERS_TRANSFORMER_GELU_LINEAR_H_
