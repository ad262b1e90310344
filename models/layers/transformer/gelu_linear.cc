#include "models/layers/transformer/gelu_linear.h"

#include <ATen/ops/gelu.h>
#include <ATen/ops/gelu_backward.h>
#include <ATen/ops/mm.h>
#include <torch/csrc/autograd/custom_function.h>

#include <optional>
#include <utility>

#include "models/layers/autocast.h"

namespace slimreel {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;
using Optional = std::optional<at::Tensor>;

struct GeluLinearFunction : torch::autograd::Function<GeluLinearFunction> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& hidden,
                            const at::Tensor& weight, const Optional& bias, const Optional& base,
                            bool lean) {
    const WithoutAutocast full_precision;
    const at::Tensor activated = at::gelu(hidden);
    variable_list saved{hidden, weight};
    if (!lean) saved.push_back(activated);
    context->save_for_backward(std::move(saved));
    context->saved_data["has_bias"] = bias.has_value();
    context->saved_data["has_base"] = base.has_value();
    const at::Tensor bias_or_none = bias.value_or(at::Tensor());
    return base ? LinearRowsOnto(*base, activated, {weight, bias_or_none})
                : LinearRows(activated, weight, bias_or_none);
  }

  static variable_list backward(AutogradContext* context, variable_list& grads) {
    const WithoutAutocast full_precision;
    const variable_list saved = context->get_saved_variables();
    const at::Tensor &hidden = saved[0], &weight = saved[1], &grad = grads[0];
    const bool has_bias = context->saved_data["has_bias"].toBool();
    const bool has_base = context->saved_data["has_base"].toBool();
    // Autograd counts only the edges of tensors that were passed.
    const size_t base_edge = has_bias ? 3 : 2;
    variable_list out(5);
    if (context->needs_input_grad(1)) {
      out[1] = at::mm(grad.t(), saved.size() > 2 ? saved[2] : at::gelu(hidden));
    }
    if (has_bias && context->needs_input_grad(2)) out[2] = grad.sum(0);
    if (context->needs_input_grad(0)) {
      at::Tensor product = at::mm(grad, weight);
      out[0] = at::gelu_backward_out(product, product, hidden);
    }
    if (has_base && context->needs_input_grad(base_edge)) out[3] = grad;
    return out;
  }
};

Optional IfDefined(const at::Tensor& x) { return x.defined() ? Optional(x) : std::nullopt; }

}  // namespace

at::Tensor GeluLinear(const at::Tensor& hidden, const Linear& map, const at::Tensor& base,
                      bool lean) {
  return GeluLinearFunction::apply(CastForProduct(hidden), CastForProduct(map.weight),
                                   IfDefined(CastForProduct(map.bias)), IfDefined(base), lean);
}

}  // namespace slimreel
