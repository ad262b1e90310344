#include "models/layers/linear.h"

#include <ATen/ops/addmm.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/native_layer_norm.h>

#include <tuple>

namespace slimreel {

at::Tensor LinearRows(const at::Tensor& rows, const at::Tensor& weight, const at::Tensor& bias) {
  return bias.defined() ? at::addmm(bias, rows, weight.t()) : at::mm(rows, weight.t());
}

at::Tensor LayerNormLast(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                         double eps) {
  return std::get<0>(at::native_layer_norm(x, {x.size(-1)}, weight, bias, eps));
}

at::Tensor AsRows(const at::Tensor& x) { return x.view({-1, x.size(-1)}); }

}  // namespace slimreel
