#include "models/layers/conv/norm_relu.h"

#include <ATen/ops/threshold_backward.h>
#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/custom_class.h>

#include <utility>

namespace slimreel {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

BatchNorm MakeNorm(ParameterMaker& make, const NormShape& shape) {
  return BatchNorm(make, shape.prefix, shape.channels, shape.gamma);
}

}  // namespace

NormRelu::NormRelu(ParameterMaker& make, const NormReluShape& shape)
    : norm_(MakeNorm(make, shape.norm)),
      identity_(shape.identity_shortcut),
      pool_(shape.pool),
      items_per_sample_(shape.items_per_sample) {
  TORCH_CHECK(!shape.shortcut_norm || !identity_,
              "a shortcut is a raw output with a norm or an activation, not both");
  if (shape.shortcut_norm) second_norm_.emplace(MakeNorm(make, *shape.shortcut_norm));
}

StageContext NormRelu::ItemContext(StageContext context) const {
  context.norm_group *= items_per_sample_;
  return context;
}

// The plain form under autograd: one node, in which norm, sum and ReLU are one pass.
struct NormRelu::PlainForm : torch::autograd::Function<PlainForm> {
  struct Call : torch::CustomClassHolder {
    NormRelu* norm;
    StageContext context;
  };

  // `inputs` are in the order of Backward's gradients.
  static at::Tensor forward(AutogradContext* saved, at::TensorList inputs,
                            const c10::intrusive_ptr<Call>& call) {
    const NormRelu& norm = *call->norm;
    const Tensors raw(inputs.begin(), inputs.begin() + norm.num_inputs());
    Computed computed = call->norm->Compute(call->context, raw);
    Tensors kept = raw;
    for (const GroupStatistics& of : computed.statistics) {
      kept.push_back(of.mean);
      kept.push_back(of.inverse_std);
    }
    kept.push_back(computed.choice);
    // The next convolution keeps the activation too. Keeping it here would only make it
    // live longer.
    const bool rebuilt = norm.CanRebuildReluMask(call->context, raw[0]);
    kept.push_back(rebuilt ? at::Tensor() : computed.activation);
    saved->save_for_backward(kept);
    saved->set_materialize_grads(false);
    saved->saved_data["call"] = c10::IValue::make_capsule(call);
    return computed.activation;
  }

  // Moves the gradient out of `grads`, so it is freed as soon as it has been used.
  static variable_list backward(AutogradContext* saved, variable_list& grads) {
    const auto call =
        c10::static_intrusive_pointer_cast<Call>(saved->saved_data["call"].toCapsule());
    NormRelu& norm = *call->norm;
    Tensors kept = saved->get_saved_variables();
    const auto statistics = kept.begin() + norm.num_inputs();
    Computed computed{std::move(statistics[5]),
                      std::move(statistics[4]),
                      {{{statistics[0], statistics[1]}, {statistics[2], statistics[3]}}}};
    kept.resize(norm.num_inputs());
    std::vector<bool> need;
    for (size_t i = 0; i < norm.num_inputs() + norm.parameters().size(); ++i) {
      need.push_back(saved->needs_input_grad(i));
    }
    variable_list gradients(need.size());
    if (grads[0].defined()) {
      gradients =
          norm.Backward(call->context, kept, std::move(computed), std::move(grads[0]), need);
    }
    gradients.emplace_back();  // of `call`
    return gradients;
  }
};

at::Tensor NormRelu::Forward(const StageContext& context, const Tensors& raw) {
  if (!c10::GradMode::is_enabled()) return Compute(context, raw).activation;
  auto call = c10::make_intrusive<PlainForm::Call>();
  call->norm = this;
  call->context = context;
  call->context.targets = nullptr;  // not owned, and not needed
  Tensors inputs = raw;
  for (const at::Tensor& parameter : parameters()) inputs.push_back(parameter);
  return PlainForm::apply(at::TensorList(inputs), call);
}

NormRelu::Computed NormRelu::Compute(const StageContext& context, const Tensors& raw) {
  const StageContext items = ItemContext(context);
  Computed computed;
  NormTail tail = TailOf(raw);
  if (second_norm_) {
    Normalised second = second_norm_->Normalise(items, raw[1]);
    tail.residual = std::move(second.y);
    computed.statistics[1] = std::move(second.statistics);
  }
  Normalised first = norm_.Normalise(items, raw[0], tail);
  computed.activation = std::move(first.y);
  computed.statistics[0] = std::move(first.statistics);
  Pool(computed);
  return computed;
}

NormRelu::Computed NormRelu::Rebuild(const StageContext& context, const Tensors& raw,
                                     const Statistics& statistics) {
  const StageContext items = ItemContext(context);
  NormTail tail = TailOf(raw);
  if (second_norm_) tail.residual = second_norm_->Rebuild(items, raw[1], statistics[1]);
  Computed computed{norm_.Rebuild(items, raw[0], statistics[0], tail), {}, statistics};
  Pool(computed);
  return computed;
}

NormTail NormRelu::TailOf(const Tensors& raw) const {
  NormTail tail;
  if (identity_) tail.residual = raw[1];
  tail.overwrite_residual = second_norm_.has_value();  // only this sum reads it
  tail.relu = !pool_;
  return tail;
}

void NormRelu::Pool(Computed& computed) const {
  if (!pool_) return;
  // Note [Pool before ReLU]
  // The maximum of a window's ReLUs is the ReLU of the window's maximum. So pooling first
  // gives the same bits, and nothing keeps the activation before pooling, the largest of
  // a stem. Gradients agree too: a window whose maximum is not positive gets none.
  MaxPooled pooled = MaxPoolForward(*pool_, computed.activation);
  computed.activation = pooled.y.relu_();
  computed.choice = std::move(pooled.choice);
}

bool NormRelu::CanRebuildReluMask(const StageContext& context, const at::Tensor& raw) const {
  return num_inputs() == 1 && !pool_ && BatchNorm::CanBackwardThroughRelu(context, raw);
}

Tensors NormRelu::Backward(const StageContext& context, const Tensors& raw, Computed computed,
                           at::Tensor grad, const std::vector<bool>& need) {
  const StageContext items = ItemContext(context);
  const bool through_relu = CanRebuildReluMask(context, raw[0]);
  if (!through_relu) grad = at::threshold_backward(grad, computed.activation, 0);
  computed.activation.reset();
  if (pool_) {
    grad = MaxPoolBackward(*pool_, raw[0].sizes(), grad, computed.choice);
    computed.choice.reset();
  }
  const size_t n = num_inputs();
  Tensors gradients(need.size());
  const auto through = [&](const BatchNorm& norm, size_t slot) {
    const size_t weight = n + 2 * slot;
    if (!need[slot] && !need[weight] && !need[weight + 1]) return;
    NormGradients g = norm.Backward(items, raw[slot], computed.statistics[slot], grad,
                                    {need[slot], need[weight], need[weight + 1]}, through_relu);
    gradients[slot] = std::move(g.x);
    gradients[weight] = std::move(g.weight);
    gradients[weight + 1] = std::move(g.bias);
  };
  through(norm_, 0);
  if (second_norm_) through(*second_norm_, 1);
  if (identity_ && need[1]) gradients[1] = std::move(grad);
  return gradients;
}

Tensors NormRelu::parameters() const {
  Tensors all{norm_.weight(), norm_.bias()};
  if (second_norm_) {
    all.push_back(second_norm_->weight());
    all.push_back(second_norm_->bias());
  }
  return all;
}

}  // namespace slimreel
