// The affine map of transformers and heads, and layer normalisation.
//
// Maps work on rows ([N, features]). On three dimensions at::linear returns a view,
// and autograd copies when a residual is added to a view in place.
//
// Threading: any thread.
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

// Full keys of a linear map. An empty bias key means that there is no bias.
struct LinearKeys {
  std::string weight;
  std::string bias;
};
// {prefix.weight, prefix.bias}.
LinearKeys KeysOf(const std::string& prefix);

// The weight is drawn from normal(0, std); the bias is zero.
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
// a new tensor. Backward does not need it, so callers may write to it in place.
at::Tensor LinearRows(const at::Tensor& rows, const at::Tensor& weight, const at::Tensor& bias);

// base [N, out] + LinearRows(rows, ...). All tensors have base's dtype. The product is
// added to a copy of base, which saves two passes over the result.
at::Tensor LinearRowsOnto(const at::Tensor& base, const at::Tensor& rows, const Linear& map);

// Layer normalisation over the last dimension; weight and bias [C]. Keeps x for backward.
at::Tensor LayerNormLast(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                         double eps);

// [B, N, C] contiguous -> [B * N, C], a view.
at::Tensor AsRows(const at::Tensor& x);

}  // namespace slimreel

#endif  // MODELS_LAYERS_LINEAR_H_
