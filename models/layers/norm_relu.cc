#include "models/layers/norm_relu.h"

#include <ATen/ops/max_pool2d_with_indices.h>
#include <ATen/ops/max_pool2d_with_indices_backward.h>
#include <ATen/ops/max_pool3d_with_indices.h>
#include <ATen/ops/max_pool3d_with_indices_backward.h>
#include <ATen/ops/threshold_backward.h>

#include <tuple>
#include <utility>

namespace slimreel {
namespace {

std::vector<int64_t> Half(const std::vector<int64_t>& kernel) {
  std::vector<int64_t> padding;
  for (int64_t k : kernel) padding.push_back(k / 2);
  return padding;
}

std::tuple<at::Tensor, at::Tensor> Pool(const MaxPoolShape& shape, const at::Tensor& x) {
  const std::vector<int64_t> padding = Half(shape.kernel);
  return shape.kernel.size() == 2
             ? at::max_pool2d_with_indices(x, shape.kernel, shape.stride, padding)
             : at::max_pool3d_with_indices(x, shape.kernel, shape.stride, padding);
}

at::Tensor PoolBackward(const MaxPoolShape& shape, const at::Tensor& grad, const at::Tensor& x,
                        const at::Tensor& indices) {
  const std::vector<int64_t> padding = Half(shape.kernel);
  const std::vector<int64_t> dilation(padding.size(), 1);
  return shape.kernel.size() == 2
             ? at::max_pool2d_with_indices_backward(grad, x, shape.kernel, shape.stride, padding,
                                                    dilation, /*ceil_mode=*/false, indices)
             : at::max_pool3d_with_indices_backward(grad, x, shape.kernel, shape.stride, padding,
                                                    dilation, /*ceil_mode=*/false, indices);
}

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
  y.relu_();
  return pool_ ? std::get<0>(Pool(*pool_, y)) : y;
}

NormRelu::Rebuilt NormRelu::Rebuild(const StageContext& context, const Tensors& raw) {
  const StageContext items = ItemContext(context);
  Rebuilt rebuilt;
  rebuilt.first = norm_.Rebuild(items, raw[0]);
  rebuilt.relu = std::move(rebuilt.first.y);
  if (second_norm_) {
    rebuilt.second = second_norm_->Rebuild(items, raw[1]);
    rebuilt.relu.add_(std::exchange(rebuilt.second.y, at::Tensor()));
  }
  rebuilt.relu.relu_();
  if (pool_) std::tie(rebuilt.pooled, rebuilt.indices) = Pool(*pool_, rebuilt.relu);
  return rebuilt;
}

Tensors NormRelu::Backward(const StageContext& context, const Tensors& raw, Rebuilt rebuilt,
                           at::Tensor grad, const std::vector<bool>& need) {
  const StageContext items = ItemContext(context);
  if (pool_) {
    rebuilt.pooled.reset();
    grad = PoolBackward(*pool_, grad, rebuilt.relu, rebuilt.indices);
    rebuilt.indices.reset();
  }
  grad = at::threshold_backward(grad, rebuilt.relu, 0);
  rebuilt.relu.reset();
  const size_t n = num_inputs();
  Tensors gradients(need.size());
  const auto through = [&](const BatchNorm& norm, size_t slot, const BatchNorm::Rebuilt& of) {
    const size_t weight = n + 2 * slot;
    if (!need[slot] && !need[weight] && !need[weight + 1]) return;
    BatchNorm::Gradients g =
        norm.Backward(items, raw[slot], of, grad, {need[slot], need[weight], need[weight + 1]});
    gradients[slot] = std::move(g.x);
    gradients[weight] = std::move(g.weight);
    gradients[weight + 1] = std::move(g.bias);
  };
  through(norm_, 0, rebuilt.first);
  if (second_norm_) through(*second_norm_, 1, rebuilt.second);
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
