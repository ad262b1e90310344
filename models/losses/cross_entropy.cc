#include "models/losses/cross_entropy.h"

#include <ATen/core/Reduction.h>
#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/tensor.h>

namespace slimreel {

double LossDenominator(const at::Tensor& labels, const std::vector<double>& weights) {
  const at::Tensor on_host = labels.to(at::kCPU, at::kLong).contiguous();
  const int64_t* label = on_host.const_data_ptr<int64_t>();
  double sum = 0.0;
  for (int64_t i = 0; i < on_host.numel(); ++i) {
    if (label[i] < 0) continue;
    TORCH_CHECK(weights.empty() || label[i] < static_cast<int64_t>(weights.size()), "label ",
                label[i], " has no class weight: ", weights.size(), " classes");
    sum += weights.empty() ? 1.0 : weights[label[i]];
  }
  return sum;
}

CrossEntropy::CrossEntropy(double label_smoothing, const std::vector<double>& class_weights)
    : Stage("loss"), label_smoothing_(label_smoothing) {
  if (!class_weights.empty()) class_weights_ = at::tensor(class_weights, at::kDouble);
}

Tensors CrossEntropy::Forward(const StageContext& context, Tensors in) {
  TORCH_CHECK(context.targets != nullptr && !context.targets->empty(),
              "the loss needs labels in context.targets");
  const at::Tensor& logits = in[0];
  const at::Tensor labels = (*context.targets)[0].to(logits.device());
  at::Tensor weights;
  if (class_weights_.defined()) weights = class_weights_.to(logits.options().requires_grad(false));
  const at::Tensor sum = at::cross_entropy_loss(logits, labels, weights, at::Reduction::Sum,
                                                /*ignore_index=*/-1, label_smoothing_);
  return {sum.div(context.loss_denominator)};
}

}  // namespace slimreel
