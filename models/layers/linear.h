// The affine map of transformers and heads, and layer normalisation.
//
// Works on rows ([N, features]): on three dimensions at::linear returns a view,
// and adding a residual to a view in place costs autograd copies.
#ifndef MODELS_LAYERS_LINEAR_H_
#define MODELS_LAYERS_LINEAR_H_

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>

#include "models/layers/parameter_maker.h"

namespace slimreel {

// The parameters of a linear map.
struct Linear {
  at::Tensor weight;  // [out, in]
  at::Tensor bias;    // [out], or undefined: none
};

// Full keys of a linear map; an empty bias key: no bias.
struct LinearKeys {
  std::string weight;
  std::string bias;
};
// prefix.weight and prefix.bias.
LinearKeys KeysOf(const std::string& prefix);

// Weight drawn from normal(0, std), bias zero.
Linear MakeLinear(ParameterMaker& make, const LinearKeys& keys, int64_t outputs, int64_t inputs,
                  double std);

// The parameters of a layer normalisation over the last dimension.
struct Norm {
  at::Tensor weight;  // [C]
  at::Tensor bias;    // [C]
  double eps = 1e-5;
};
// Keys prefix.weight (ones) and prefix.bias (zeros).
Norm MakeNorm(ParameterMaker& make, const std::string& prefix, int64_t features, double eps);

// rows [N, in] x weight [out, in]^T + bias [out] (undefined: none) -> [N, out],
// a fresh tensor that backward does not need (callers may work in place on it).
at::Tensor LinearRows(const at::Tensor& rows, const at::Tensor& weight, const at::Tensor& bias);

// base [N, out] + LinearRows(rows, ...), of base's dtype, which the others have too: the
// product is added to a copy of base, which saves two passes over the result.
at::Tensor LinearRowsOnto(const at::Tensor& base, const at::Tensor& rows, const Linear& map);

// Over the last dimension; weight and bias [C]. x is kept for backward.
at::Tensor LayerNormLast(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                         double eps);

// [B, N, C] contiguous -> [B * N, C], a view.
at::Tensor AsRows(const at::Tensor& x);

}  // namespace slimreel

#endif  // MODELS_LAYERS_LINEAR_H_
