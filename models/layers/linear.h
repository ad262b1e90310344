// The affine map of transformers and heads, and layer normalisation.
//
// Works on rows ([N, features]): on three dimensions at::linear returns a view,
// and adding a residual to a view in place costs autograd copies.
#ifndef MODELS_LAYERS_LINEAR_H_
#define MODELS_LAYERS_LINEAR_H_

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>

namespace slimreel {

// rows [N, in] x weight [out, in]^T + bias [out] (undefined: none) -> [N, out],
// a fresh tensor that backward does not need (callers may work in place on it).
at::Tensor LinearRows(const at::Tensor& rows, const at::Tensor& weight, const at::Tensor& bias);

// Over the last dimension; weight and bias [C]. x is kept for backward.
at::Tensor LayerNormLast(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                         double eps);

// [B, N, C] contiguous -> [B * N, C], a view.
at::Tensor AsRows(const at::Tensor& x);

}  // namespace slimreel

#endif  // MODELS_LAYERS_LINEAR_H_
