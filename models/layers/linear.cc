#include "models/layers/linear.h"

#include <ATen/ops/addmm.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/native_layer_norm.h>

#include <tuple>

namespace slimreel {

LinearKeys KeysOf(const std::string& prefix) { return {prefix + ".weight", prefix + ".bias"}; }

Linear MakeLinear(ParameterMaker& make, const LinearKeys& keys, int64_t outputs, int64_t inputs,
                  double std) {
  Linear map;
  map.weight = make.Normal(keys.weight, {outputs, inputs}, std);
  if (!keys.bias.empty()) map.bias = make.Constant(keys.bias, {outputs}, 0.0);
  return map;
}

Norm MakeNorm(ParameterMaker& make, const std::string& prefix, int64_t features, double eps) {
  Norm norm;
  norm.weight = make.Constant(prefix + ".weight", {features}, 1.0);
  norm.bias = make.Constant(prefix + ".bias", {features}, 0.0);
  norm.eps = eps;
  return norm;
}

at::Tensor LinearRows(const at::Tensor& rows, const at::Tensor& weight, const at::Tensor& bias) {
  return bias.defined() ? at::addmm(bias, rows, weight.t()) : at::mm(rows, weight.t());
}

at::Tensor LinearRowsOnto(const at::Tensor& base, const at::Tensor& rows, const Linear& map) {
  at::Tensor sum = map.bias.defined() ? base.add(map.bias) : base.clone();
  return sum.addmm_(rows, map.weight.t());
}

at::Tensor LayerNormLast(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                         double eps) {
  return std::get<0>(at::native_layer_norm(x, {x.size(-1)}, weight, bias, eps));
}

at::Tensor AsRows(const at::Tensor& x) { return x.view({-1, x.size(-1)}); }

}  // namespace slimreel
