#include "trainer/optim/loss_scale.h"

#include <ATen/ops/_amp_foreach_non_finite_check_and_unscale.h>
#include <ATen/ops/_amp_update_scale.h>
#include <ATen/ops/full.h>
#include <ATen/ops/reciprocal.h>
#include <ATen/ops/zeros.h>
#include <c10/core/GradMode.h>

namespace slimreel {

LossScale::LossScale(const LossScaleOptions& options, at::Device device) : options_(options) {
  const auto values = at::TensorOptions().dtype(at::kFloat).device(device);
  scale_ = at::full({}, options.initial, values);
  inverse_ = at::full({}, 1.0 / options.initial, values);
  found_inf_ = at::zeros({}, values);
  growth_tracker_ = at::zeros({}, values.dtype(at::kInt));
}

void LossScale::Unscale(const std::vector<at::Tensor>& gradients) {
  const c10::AutoGradMode no_grad(false);
  found_inf_.zero_();
  if (gradients.empty()) return;
  at::reciprocal_out(inverse_, scale_);
  at::_amp_foreach_non_finite_check_and_unscale_(gradients, found_inf_, inverse_);
}

void LossScale::Update() {
  const c10::AutoGradMode no_grad(false);
  at::_amp_update_scale_(scale_, growth_tracker_, found_inf_, options_.growth_factor,
                         options_.backoff_factor, options_.growth_interval);
}

std::vector<NamedTensor> LossScale::State() const {
  return {{"loss_scale.scale", scale_}, {"loss_scale.growth_tracker", growth_tracker_}};
}

}  // namespace slimreel
