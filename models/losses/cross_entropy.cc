#include "models/losses/cross_entropy.h"

#include <ATen/core/Reduction.h>
#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/tensor.h>

namespace slimreel {

CrossEntropy::CrossEntropy(double label_smoothing, const std::vector<double>& class_weights,
                           at::DeviceType device)
    : Loss("loss"), label_smoothing_(label_smoothing), class_weights_(class_weights) {
  if (class_weights.empty()) return;
  weights_ = at::tensor(class_weights, at::device(device).dtype(at::kDouble));
  state_.constants.push_back({"class_weights", weights_});
}

Tensors CrossEntropy::Forward(const StageContext& context, Tensors in) {
  TORCH_CHECK(context.targets != nullptr && !context.targets->empty(),
              "the loss needs labels in context.targets");
  // Half precision has too few bits to sum over a batch.
  const bool reduced = in[0].scalar_type() == at::kHalf || in[0].scalar_type() == at::kBFloat16;
  const at::Tensor logits = reduced ? in[0].to(at::kFloat) : in[0];
  const at::Tensor labels = (*context.targets)[0].to(logits.device());
  at::Tensor weights;
  if (weights_.defined()) weights = weights_.to(logits.scalar_type());
  const at::Tensor sum = at::cross_entropy_loss(logits, labels, weights, at::Reduction::Sum,
                                                /*ignore_index=*/-1, label_smoothing_);
  return {sum.div(context.loss_denominator)};
}

double CrossEntropy::ValidWeight(const Tensors& targets) const {
  const at::Tensor labels = targets[0].to(at::kCPU, at::kLong).contiguous();
  const int64_t* label = labels.const_data_ptr<int64_t>();
  const auto classes = static_cast<int64_t>(class_weights_.size());
  const double* weight = classes > 0 ? class_weights_.data() : nullptr;
  double sum = 0.0;
  for (int64_t i = 0; i < labels.numel(); ++i) {
    if (label[i] < 0) continue;
    TORCH_CHECK(weight == nullptr || label[i] < classes, "label ", label[i],
                " has no class weight; there are ", classes, " classes");
    sum += weight == nullptr ? 1.0 : weight[label[i]];
  }
  return sum;
}

}  // namespace slimreel
