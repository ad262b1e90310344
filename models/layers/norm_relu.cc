#include "models/layers/norm_relu.h"

#include <ATen/ops/threshold_backward.h>

#include <utility>

namespace slimreel {
namespace {

BatchNorm MakeNorm(ParameterMaker& make, const NormShape& shape) {
  return BatchNorm(make, shape.prefix, shape.channels, shape.gamma);
}

}  // namespace

NormRelu::NormRelu(ParameterMaker& make, const NormReluShape& shape)
    : norm_(MakeNorm(make, shape.norm)),
      identity_(shape.identity_shortcut),
      pool_(shape.pool),
      items_per_sample_(shape.items_per_sample) {
  TORCH_CHECK(!shape.shortcut_norm || !identity_, "a shortcut has a norm or has none");
  if (shape.shortcut_norm) second_norm_.emplace(MakeNorm(make, *shape.shortcut_norm));
}

StageContext NormRelu::ItemContext(StageContext context) const {
  context.norm_group *= items_per_sample_;
  return context;
}

at::Tensor NormRelu::Forward(const StageContext& context, const Tensors& raw) {
  const StageContext items = ItemContext(context);
  at::Tensor y = norm_.Forward(items, raw[0]);
  if (second_norm_) y.add_(second_norm_->Forward(items, raw[1]));
  if (identity_) y.add_(raw[1]);
  // Note [Pool before ReLU]
  // The greatest of a window's ReLUs is the ReLU of the greatest: pooled first, the
  // same bits, and the activation before pooling, a stem's largest, is kept by
  // nobody. Gradients agree as well: a window whose greatest is not positive gets none.
  if (pool_) y = MaxPool(*pool_, y);
  return y.relu_();
}

NormRelu::Computed NormRelu::Compute(const StageContext& context, const Tensors& raw) {
  const StageContext items = ItemContext(context);
  Normalised first = norm_.Normalise(items, raw[0]);
  Computed computed{std::move(first.y), {}, {std::move(first.statistics), {}}};
  if (second_norm_) {
    Normalised second = second_norm_->Normalise(items, raw[1]);
    computed.activation.add_(second.y);
    computed.statistics[1] = std::move(second.statistics);
  }
  Finish(computed);
  return computed;
}

NormRelu::Computed NormRelu::Again(const StageContext& context, const Tensors& raw,
                                   const Statistics& statistics) {
  const StageContext items = ItemContext(context);
  Computed computed{norm_.Again(items, raw[0], statistics[0]), {}, statistics};
  if (second_norm_) computed.activation.add_(second_norm_->Again(items, raw[1], statistics[1]));
  Finish(computed);
  return computed;
}

void NormRelu::Finish(Computed& computed) const {
  if (pool_) {
    MaxPooled pooled = MaxPoolForward(*pool_, computed.activation);
    computed.activation = std::move(pooled.y);
    computed.choice = std::move(pooled.choice);
  }
  computed.activation.relu_();
}

Tensors NormRelu::Backward(const StageContext& context, const Tensors& raw, Computed computed,
                           at::Tensor grad, const std::vector<bool>& need) {
  const StageContext items = ItemContext(context);
  grad = at::threshold_backward(grad, computed.activation, 0);
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
                                    {need[slot], need[weight], need[weight + 1]});
    gradients[slot] = std::move(g.x);
    gradients[weight] = std::move(g.weight);
    gradients[weight + 1] = std::move(g.bias);
  };
  through(norm_, 0);
  if (second_norm_) through(*second_norm_, 1);
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
