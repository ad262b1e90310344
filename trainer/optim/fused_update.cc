#include "trainer/optim/fused_update.h"

#include <ATen/ops/_fused_adam.h>
#include <ATen/ops/_fused_adamw.h>
#include <ATen/ops/_fused_sgd.h>
#include <ATen/ops/as_strided.h>

namespace slimreel {

void FusedUpdate(const TrainOptions& options, const UpdateLists& lists, double lr,
                 double weight_decay, const std::optional<at::Tensor>& skip) {
  if (options.optimizer == OptimizerKind::kSgd) {
    // Buffers start at zero, so the first step needs no case of its own: momentum * 0 + gradient is
    // the gradient.
    at::_fused_sgd_(lists.parameters, lists.gradients, lists.exp_avgs, weight_decay,
                    options.momentum, lr, /*dampening=*/0.0, /*nesterov=*/false,
                    /*maximize=*/false, /*is_first_step=*/false, /*grad_scale=*/{}, skip);
    return;
  }
  const auto fused = [&](auto kernel) {
    kernel(lists.parameters, lists.gradients, lists.exp_avgs, lists.exp_avg_sqs, at::TensorList{},
           lists.steps, lr, options.betas[0], options.betas[1], weight_decay, options.eps,
           /*amsgrad=*/false, /*maximize=*/false, /*grad_scale=*/std::optional<at::Tensor>(), skip);
  };
  if (options.optimizer == OptimizerKind::kAdamW) {
    fused([](auto&&... arguments) { at::_fused_adamw_(arguments...); });
  } else {
    fused([](auto&&... arguments) { at::_fused_adam_(arguments...); });
  }
}

at::Tensor FlatRange(const at::Tensor& tensor, int64_t first, int64_t count) {
  return at::as_strided(tensor, {count}, {1}, tensor.storage_offset() + first);
}

at::Tensor Flat(const at::Tensor& tensor) {
  return tensor.is_contiguous() ? tensor : FlatRange(tensor, 0, tensor.numel());
}

void CheckLayout(const at::Tensor& parameter, const at::Tensor& gradient) {
  TORCH_CHECK(
      gradient.sizes() == parameter.sizes() && gradient.scalar_type() == parameter.scalar_type(),
      "a gradient differs from its parameter in shape or dtype");
  for (int64_t d = 0; d < parameter.dim(); ++d) {
    TORCH_CHECK(parameter.size(d) == 1 || parameter.stride(d) == gradient.stride(d),
                "a gradient differs from its parameter in strides");
  }
}

}  // namespace slimreel
