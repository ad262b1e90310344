#include "trainer/optim/optimizer.h"

#include <ATen/ops/_foreach_mul.h>
#include <ATen/ops/_foreach_norm.h>
#include <ATen/ops/_fused_adam.h>
#include <ATen/ops/_fused_adamw.h>
#include <ATen/ops/_fused_sgd.h>
#include <ATen/ops/add.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>
#include <c10/core/GradMode.h>

#include <optional>

#include "absl/strings/str_cat.h"
#include "memory/tracking/memory_tag.h"

namespace slimreel {
namespace {

// Note [Reserved before the first step]
// The optimizer step is outside of the region that is retried on out-of-memory, so it must not run
// out of memory. The constructor makes its state. A step then needs only scalars (the norm of each
// tensor, their stack) and the kernels' partial sums: one 64-byte block each. The optimizer holds a
// reserve of this size per parameter from the constructor on and releases it during a step, so that
// these blocks fit even if the budget is otherwise full.
constexpr int64_t kReservePerParameter = 512;
constexpr int64_t kReserveFloor = 64 * 1024;

// The fused kernels walk parameter, gradient and state by address. Autograd gives a gradient the
// layout of its parameter, so a mismatch is a bug of ours.
void CheckLayout(const at::Tensor& parameter, const at::Tensor& gradient) {
  TORCH_CHECK(
      gradient.sizes() == parameter.sizes() && gradient.scalar_type() == parameter.scalar_type(),
      "a gradient differs from its parameter in shape or dtype");
  for (int64_t d = 0; d < parameter.dim(); ++d) {
    TORCH_CHECK(parameter.size(d) == 1 || parameter.stride(d) == gradient.stride(d),
                "a gradient differs from its parameter in strides");
  }
}

}  // namespace

Optimizer::Optimizer(const TrainOptions& options, std::vector<ParamGroup> groups,
                     const std::optional<LossScaleOptions>& loss_scale)
    : options_(options) {
  const c10::AutoGradMode no_grad(false);
  const TagScope scope(MemoryTag::kOptimizer);
  for (const ParamGroup& group : groups) {
    GroupTensors lists;
    lists.weight_decay = group.weight_decay;
    lists.lr_scale = group.lr_scale;
    for (const NamedTensor& parameter : group.parameters) CreateState(parameter, lists);
    groups_.push_back(std::move(lists));
  }
  if (loss_scale && !groups_.empty()) {
    loss_scale_.emplace(*loss_scale, groups_.front().parameters.front().device());
    for (NamedTensor& named : loss_scale_->State()) state_.push_back(std::move(named));
  }
  ReserveScratch();
}

at::Tensor Optimizer::LossGradient() const {
  return loss_scale_ ? loss_scale_->scale() : at::Tensor();
}

at::Tensor Optimizer::FoundInf() const {
  return loss_scale_ ? loss_scale_->found_inf() : at::Tensor();
}

void Optimizer::CreateState(const NamedTensor& parameter, GroupTensors& lists) {
  TORCH_CHECK(parameter.tensor.requires_grad(), parameter.name, " does not require grad");
  lists.parameters.push_back(parameter.tensor);
  const auto add = [&](const char* suffix, at::Tensor tensor, std::vector<at::Tensor>& list) {
    state_.push_back({absl::StrCat(parameter.name, suffix), tensor});
    list.push_back(std::move(tensor));
  };
  if (options_.optimizer == OptimizerKind::kSgd) {
    if (options_.momentum != 0.0) {
      add(".momentum_buffer", at::zeros_like(parameter.tensor), lists.exp_avgs);
    }
    return;
  }
  add(".exp_avg", at::zeros_like(parameter.tensor), lists.exp_avgs);
  add(".exp_avg_sq", at::zeros_like(parameter.tensor), lists.exp_avg_sqs);
  add(".step", at::zeros({}, parameter.tensor.options().dtype(at::kFloat)), lists.steps);
}

void Optimizer::ReserveScratch() {
  if (reserve_.defined()) return;
  int64_t bytes = kReserveFloor;
  for (const GroupTensors& lists : groups_) {
    bytes += kReservePerParameter * static_cast<int64_t>(lists.parameters.size());
  }
  if (groups_.empty()) return;
  const TagScope scope(MemoryTag::kOptimizer);
  reserve_ = at::empty({bytes}, groups_.front().parameters.front().options().dtype(at::kByte));
}

std::vector<at::Tensor> Optimizer::Gradients() const {
  std::vector<at::Tensor> gradients;
  for (const GroupTensors& lists : groups_) {
    for (const at::Tensor& parameter : lists.parameters) {
      if (parameter.grad().defined()) gradients.push_back(parameter.grad());
    }
  }
  return gradients;
}

at::Tensor Optimizer::GlobalNormClip(std::optional<double> max_norm) {
  const c10::AutoGradMode no_grad(false);
  const TagScope scope(MemoryTag::kOptimizer);
  reserve_.reset();
  const std::vector<at::Tensor> gradients = Gradients();
  if (loss_scale_) loss_scale_->Unscale(gradients);
  if (gradients.empty()) return at::zeros({}, at::kFloat);
  const at::Tensor norm =
      at::linalg_vector_norm(at::stack(at::_foreach_norm(gradients, /*ord=*/2)));
  if (max_norm) {
    // A factor of 1 changes no bit, so the value need not be read to decide whether to clip.
    const at::Tensor factor = at::add(norm, 1e-6).reciprocal_().mul_(*max_norm).clamp_max_(1.0);
    at::_foreach_mul_(gradients, factor);
  }
  return norm;
}

void Optimizer::Step(double lr) {
  const c10::AutoGradMode no_grad(false);
  const TagScope scope(MemoryTag::kOptimizer);
  reserve_.reset();
  for (const GroupTensors& lists : groups_) {
    StepGroup(lists, lr * lists.lr_scale);
  }
  if (loss_scale_) loss_scale_->Update();
}

void Optimizer::StepGroup(const GroupTensors& all, double lr) {
  GroupTensors lists;
  std::vector<at::Tensor> gradients;
  for (size_t i = 0; i < all.parameters.size(); ++i) {
    const at::Tensor& gradient = all.parameters[i].grad();
    if (!gradient.defined()) continue;
    CheckLayout(all.parameters[i], gradient);
    lists.parameters.push_back(all.parameters[i]);
    gradients.push_back(gradient);
    if (!all.exp_avgs.empty()) lists.exp_avgs.push_back(all.exp_avgs[i]);
    if (!all.exp_avg_sqs.empty()) lists.exp_avg_sqs.push_back(all.exp_avg_sqs[i]);
    if (all.steps.empty()) continue;
    at::Tensor step = all.steps[i];
    lists.steps.push_back(step.add_(1));
  }
  if (gradients.empty()) return;
  std::optional<at::Tensor> skip;
  if (loss_scale_) skip = loss_scale_->found_inf();
  if (options_.optimizer == OptimizerKind::kSgd) {
    // Buffers start at zero, so the first step needs no case of its own: momentum * 0 + gradient is
    // the gradient.
    at::_fused_sgd_(lists.parameters, gradients, lists.exp_avgs, all.weight_decay,
                    options_.momentum, lr, /*dampening=*/0.0, /*nesterov=*/false,
                    /*maximize=*/false, /*is_first_step=*/false, /*grad_scale=*/{}, skip);
    return;
  }
  const auto fused = [&](auto kernel) {
    kernel(lists.parameters, gradients, lists.exp_avgs, lists.exp_avg_sqs, at::TensorList{},
           lists.steps, lr, options_.betas[0], options_.betas[1], all.weight_decay, options_.eps,
           /*amsgrad=*/false, /*maximize=*/false, /*grad_scale=*/std::optional<at::Tensor>(), skip);
  };
  if (options_.optimizer == OptimizerKind::kAdamW) {
    fused([](auto&&... arguments) { at::_fused_adamw_(arguments...); });
  } else {
    fused([](auto&&... arguments) { at::_fused_adam_(arguments...); });
  }
  if (!skip) return;
  for (at::Tensor& step : lists.steps) step.sub_(*skip);  // a skipped step does not count
}

void Optimizer::ZeroGrad() {
  for (const GroupTensors& lists : groups_) {
    for (const at::Tensor& parameter : lists.parameters) parameter.mutable_grad().reset();
  }
  ReserveScratch();
}

int64_t Optimizer::StateBytes() const {
  int64_t bytes = 0;
  for (const NamedTensor& named : state_) bytes += static_cast<int64_t>(named.tensor.nbytes());
  return bytes;
}

}  // namespace slimreel
