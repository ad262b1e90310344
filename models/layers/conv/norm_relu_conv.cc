#include "models/layers/conv/norm_relu_conv.h"

#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/custom_class.h>

#include <utility>

#include "models/layers/autocast.h"

namespace slimreel {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

Tensors PlainForm(NormRelu& norm, const std::vector<const Convolution*>& convs,
                  bool give_activation, const StageContext& context, const Tensors& raw) {
  const at::Tensor activation = norm.Forward(context, raw);
  Tensors out;
  for (const Convolution* conv : convs) out.push_back(conv->Forward(activation));
  if (give_activation) out.push_back(activation);
  return out;
}

// What the lean form's backward needs besides tensors.
struct Unit : torch::CustomClassHolder {
  NormRelu* norm;
  std::vector<const Convolution*> convs;
  bool give_activation;
  StageContext context;
};

void Add(at::Tensor& sum, at::Tensor term) {
  sum = sum.defined() ? sum.add(term) : std::move(term);
}

// Inputs: the raw outputs, the norm's parameters, the convolutions' weights, already cast
// for autocast.
struct LeanForm : torch::autograd::Function<LeanForm> {
  static variable_list forward(AutogradContext* saved, at::TensorList inputs,
                               const c10::intrusive_ptr<Unit>& unit) {
    const WithoutAutocast cast_before;
    const auto end = inputs.begin() + unit->norm->num_inputs();
    const Tensors raw(inputs.begin(), end);
    const NormRelu::Computed computed = unit->norm->Compute(unit->context, raw);
    const at::Tensor& activation = computed.activation;
    Tensors kept = raw;
    kept.insert(kept.end(), inputs.end() - unit->convs.size(), inputs.end());
    for (const GroupStatistics& of : computed.statistics) {
      kept.push_back(of.mean);
      kept.push_back(of.inverse_std);
    }
    saved->save_for_backward(kept);
    saved->set_materialize_grads(false);
    saved->saved_data["unit"] = c10::IValue::make_capsule(unit);
    Tensors out;
    for (size_t c = 0; c < unit->convs.size(); ++c) {
      const at::Tensor& weight = kept[raw.size() + c];
      out.push_back(unit->convs[c]->Apply(activation.to(weight.scalar_type()), weight));
    }
    if (unit->give_activation) out.push_back(activation);
    return out;
  }

  static variable_list backward(AutogradContext* saved, variable_list& grads) {
    const auto unit =
        c10::static_intrusive_pointer_cast<Unit>(saved->saved_data["unit"].toCapsule());
    NormRelu& norm = *unit->norm;
    Tensors raw = saved->get_saved_variables();
    const auto weights_at = raw.begin() + norm.num_inputs();
    const auto statistics_at = weights_at + unit->convs.size();
    const Tensors weights(weights_at, statistics_at);
    const NormRelu::Statistics statistics{
        {{statistics_at[0], statistics_at[1]}, {statistics_at[2], statistics_at[3]}}};
    raw.resize(norm.num_inputs());
    const size_t of_norm = norm.num_inputs() + norm.parameters().size();
    std::vector<bool> need;
    bool need_activation = false;
    for (size_t i = 0; i < of_norm; ++i) {
      need.push_back(saved->needs_input_grad(i));
      need_activation = need_activation || need.back();
    }
    NormRelu::Computed again = norm.Rebuild(unit->context, raw, statistics);
    at::Tensor grad;
    variable_list gradients(of_norm);
    if (unit->give_activation) grad = std::move(grads[unit->convs.size()]);
    for (size_t c = 0; c < unit->convs.size(); ++c) {
      gradients.emplace_back();
      if (!grads[c].defined()) continue;
      const at::Tensor& x = again.activation;
      Convolution::Gradients g = unit->convs[c]->Backward(
          std::exchange(grads[c], at::Tensor()), x.to(weights[c].scalar_type()), weights[c],
          need_activation, saved->needs_input_grad(of_norm + c));
      gradients.back() = std::move(g.weight);
      if (need_activation) Add(grad, g.x.to(x.scalar_type()));
    }
    if (need_activation && grad.defined()) {
      Tensors through = norm.Backward(unit->context, raw, std::move(again), std::move(grad), need);
      std::move(through.begin(), through.end(), gradients.begin());
    }
    gradients.emplace_back();  // of `unit`
    return gradients;
  }
};

}  // namespace

Tensors NormReluConv(NormRelu& norm, const std::vector<const Convolution*>& convs,
                     bool give_activation, const StageContext& context, const Tensors& raw) {
  TORCH_CHECK(!convs.empty() && convs.size() + give_activation <= 2,
              "a unit has one or two outputs, not ", convs.size() + give_activation);
  if (!context.lean || !norm.can_rebuild() || !c10::GradMode::is_enabled()) {
    return PlainForm(norm, convs, give_activation, context, raw);
  }
  auto unit = c10::make_intrusive<Unit>();
  unit->norm = &norm;
  unit->convs = convs;
  unit->give_activation = give_activation;
  unit->context = context;
  unit->context.targets = nullptr;  // not owned, and not needed
  Tensors inputs = raw;
  for (const at::Tensor& parameter : norm.parameters()) inputs.push_back(parameter);
  for (const Convolution* conv : convs) inputs.push_back(CastForProduct(conv->weight()));
  return LeanForm::apply(at::TensorList(inputs), unit);
}

}  // namespace slimreel
