#include "models/losses/two_stream.h"

#include <ATen/core/Tensor.h>

namespace slimreel {

TwoStreamLoss::TwoStreamLoss(std::array<double, 2> head_weights, double label_smoothing,
                             const std::vector<double>& class_weights, at::DeviceType device)
    : Loss("loss"),
      head_weights_(head_weights),
      cross_entropy_(label_smoothing, class_weights, device) {
  state_.constants = cross_entropy_.constants();
}

Tensors TwoStreamLoss::Forward(const StageContext& context, Tensors in) {
  TORCH_CHECK(in.size() == 2, "a loss of two heads needs two slots of logits, not ", in.size());
  const at::Tensor first = cross_entropy_.Forward(context, {in[0]})[0].mul(head_weights_[0]);
  return {first.add(cross_entropy_.Forward(context, {in[1]})[0], head_weights_[1])};
}

double TwoStreamLoss::ValidWeight(const Tensors& targets) const {
  return cross_entropy_.ValidWeight(targets);
}

}  // namespace slimreel
