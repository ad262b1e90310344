// LayerNorm and the linear maps that read it, as one node of autograd: the
// products' backward adds up in place, and the lean form saves no normalised rows.
//
// Callers: transformer halves. Any thread. Owns nothing.
#ifndef MODELS_LAYERS_TRANSFORMER_NORM_LINEAR_H_
#define MODELS_LAYERS_TRANSFORMER_NORM_LINEAR_H_

#include <ATen/core/Tensor.h>

#include <vector>

#include "models/layers/linear.h"

namespace slimreel {

// x [..., C] contiguous, maps of C inputs -> one tensor [rows, out] per map, fresh
// and not needed by backward. Saved for backward: x, mean and 1/std of each row,
// and, unless lean, the normalised rows [rows, C], which the lean form computes
// again. Outputs and gradients of both forms have the same bits.
std::vector<at::Tensor> NormLinear(const at::Tensor& x, const Norm& norm,
                                   const std::vector<Linear>& maps, bool lean);

}  // namespace slimreel

#endif  // MODELS_LAYERS_TRANSFORMER_NORM_LINEAR_H_
