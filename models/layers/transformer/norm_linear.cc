#include "models/layers/transformer/norm_linear.h"

#include <ATen/ops/mm.h>
#include <ATen/ops/native_layer_norm.h>
#include <ATen/ops/native_layer_norm_backward.h>
#include <torch/csrc/autograd/custom_function.h>

#include <array>
#include <tuple>
#include <utility>

#include "models/layers/autocast.h"

namespace slimreel {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// Inputs and saved tensors begin with x, norm weight, norm bias and the maps' weights.
// Inputs end with the biases of the maps that have one. Saved tensors end with mean,
// 1/std and, in the plain form, the normalised rows.
constexpr size_t kFirstMap = 3;

at::Tensor Rows(const at::Tensor& normed, const at::Tensor& weight) {
  return AsRows(normed).to(weight.scalar_type());
}

struct NormLinearFunction : torch::autograd::Function<NormLinearFunction> {
  // has_bias: one per map.
  static variable_list forward(AutogradContext* context, at::TensorList inputs,
                               const std::vector<bool>& has_bias, double eps, bool lean) {
    const WithoutAutocast full_precision;
    const size_t maps = has_bias.size();
    const at::Tensor& x = inputs[0];
    auto [normed, mean, inverse_std] =
        at::native_layer_norm(x, {x.size(-1)}, inputs[1], inputs[2], eps);
    const at::Tensor rows = Rows(normed, inputs[kFirstMap]);
    variable_list outputs;
    for (size_t i = 0, bias = kFirstMap + maps; i < maps; ++i) {
      outputs.push_back(
          LinearRows(rows, inputs[kFirstMap + i], has_bias[i] ? inputs[bias] : at::Tensor()));
      if (has_bias[i]) ++bias;
    }
    variable_list saved(inputs.begin(), inputs.begin() + kFirstMap + maps);
    saved.push_back(std::move(mean));
    saved.push_back(std::move(inverse_std));
    if (!lean) saved.push_back(rows);
    context->save_for_backward(std::move(saved));
    c10::List<bool> which;
    for (bool has : has_bias) which.push_back(has);
    context->saved_data["has_bias"] = which;
    context->saved_data["eps"] = eps;
    context->set_materialize_grads(false);
    return outputs;
  }

  // Takes the caller's list by reference, to free each output gradient as soon as it is used.
  static variable_list backward(AutogradContext* context, variable_list& grads) {
    const WithoutAutocast full_precision;
    const variable_list saved = context->get_saved_variables();
    const size_t maps = grads.size();
    variable_list out = GradsOfMaps(*context, saved, grads);
    const std::array<bool, 3> mask{context->needs_input_grad(0), context->needs_input_grad(1),
                                   context->needs_input_grad(2)};
    if (!mask[0] && !mask[1] && !mask[2]) return out;
    const at::Tensor rows_grad = GradOfRows(saved, grads);
    if (!rows_grad.defined()) return out;
    const at::Tensor& x = saved[0];
    std::tie(out[0], out[1], out[2]) = at::native_layer_norm_backward(
        rows_grad.view(x.sizes()).to(x.scalar_type()), x, {x.size(-1)}, saved[kFirstMap + maps],
        saved[kFirstMap + maps + 1], saved[1], saved[2], mask);
    return out;
  }

  // One gradient per argument of forward. Fills in those of weights and biases.
  static variable_list GradsOfMaps(AutogradContext& context, const variable_list& saved,
                                   const variable_list& grads) {
    const auto has_bias = context.saved_data["has_bias"].toBoolList();
    const size_t maps = grads.size();
    variable_list out(kFirstMap + maps);
    at::Tensor rows;  // made when the first weight needs it; never if all weights are frozen
    for (size_t i = 0; i < maps; ++i) {
      if (!context.needs_input_grad(kFirstMap + i) || !grads[i].defined()) continue;
      if (!rows.defined()) rows = SavedOrNewRows(context, saved, maps);
      out[kFirstMap + i] = at::mm(grads[i].t(), rows);
    }
    for (size_t i = 0; i < maps; ++i) {
      if (!has_bias[i]) continue;
      const bool needed = context.needs_input_grad(out.size()) && grads[i].defined();
      out.push_back(needed ? grads[i].sum(0) : at::Tensor());
    }
    out.resize(out.size() + 3);  // has_bias, eps and lean have none
    return out;
  }

  static at::Tensor SavedOrNewRows(AutogradContext& context, const variable_list& saved,
                                   size_t maps) {
    if (saved.size() > kFirstMap + maps + 2) return saved.back();
    const double eps = context.saved_data["eps"].toDouble();
    const at::Tensor& x = saved[0];
    return Rows(std::get<0>(at::native_layer_norm(x, {x.size(-1)}, saved[1], saved[2], eps)),
                saved[kFirstMap]);
  }

  // The sum over the maps of output gradient x weight.
  static at::Tensor GradOfRows(const variable_list& saved, variable_list& grads) {
    at::Tensor sum;
    for (size_t i = 0; i < grads.size(); ++i) {
      const at::Tensor grad = std::exchange(grads[i], at::Tensor());
      if (!grad.defined()) continue;
      if (sum.defined()) {
        sum.addmm_(grad, saved[kFirstMap + i]);
      } else {
        sum = at::mm(grad, saved[kFirstMap + i]);
      }
    }
    return sum;
  }
};

}  // namespace

std::vector<at::Tensor> NormLinear(const at::Tensor& x, const Norm& norm,
                                   const std::vector<Linear>& maps, bool lean) {
  // The statistics are computed in the norm's dtype, even if a cast product made the input.
  std::vector<at::Tensor> inputs{x.to(norm.weight.scalar_type()), norm.weight, norm.bias};
  std::vector<bool> has_bias;
  for (const Linear& map : maps) inputs.push_back(CastForProduct(map.weight));
  for (const Linear& map : maps) {
    has_bias.push_back(map.bias.defined());
    if (map.bias.defined()) inputs.push_back(CastForProduct(map.bias));
  }
  return NormLinearFunction::apply(at::TensorList(inputs), has_bias, norm.eps, lean);
}

}  // namespace slimreel
