// LayerNorm and the linear maps that read it, as one autograd node. The products'
// backward sums in place, and the lean form does not save the normalised rows.
//
// Threading: any thread. Ownership: owns nothing.
#ifndef MODELS_LAYERS_TRANSFORMER_NORM_LINEAR_H_
#define MODELS_LAYERS_TRANSFORMER_NORM_LINEAR_H_

#include <ATen/core/Tensor.h>

#include <vector>

#include "models/layers/linear.h"

namespace slimreel {

// x [..., C] contiguous, maps of C inputs -> one new tensor [rows, out] per map, which
// backward does not need. Saves x and the mean and 1/std of each row for backward, and in
// the plain form the normalised rows [rows, C]. The lean form computes these rows again.
// Outputs and gradients of both forms have the same bits.
std::vector<at::Tensor> NormLinear(const at::Tensor& x, const Norm& norm,
                                   const std::vector<Linear>& maps, bool lean);

}  // namespace slimreel

#endif  // MODELS_LAYERS_TRANSFORMER_NORM_LINEAR_H_
