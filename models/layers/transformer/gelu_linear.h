// GELU (exact, by erf) and the linear map that reads it, as one autograd node.
//
// Threading: any thread. Ownership: owns nothing.
#ifndef MODELS_LAYERS_TRANSFORMER_GELU_LINEAR_H_
#define MODELS_LAYERS_TRANSFORMER_GELU_LINEAR_H_

#include <ATen/core/Tensor.h>

#include "models/layers/linear.h"

namespace slimreel {

// hidden [N, H] before the activation -> base [N, out] (undefined: zero) + the map of
// gelu(hidden), a new tensor [N, out] that backward does not need. base has the product's
// dtype. Saves hidden for backward, and in the plain form gelu(hidden). The lean form
// computes gelu(hidden) again, with the same bits.
at::Tensor GeluLinear(const at::Tensor& hidden, const Linear& map, const at::Tensor& base,
                      bool lean);

}  // namespace slimreel

#endif  // MODELS_LAYERS_TRANSFORMER_GELU_LINEAR_H_
