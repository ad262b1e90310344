#include "models/layers/conv/batch_norm.h"

#include <ATen/ops/native_batch_norm.h>
#include <ATen/ops/native_batch_norm_backward.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <utility>

namespace slimreel {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

constexpr double kMomentum = 0.1;
constexpr double kEps = 1e-5;

bool UsesRunning(const StageContext& context) { return !context.training || context.norm_frozen; }

// The plain form in training. Saves x, weight and the groups' statistics.
struct BatchNormFunction : torch::autograd::Function<BatchNormFunction> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& weight,
                            const at::Tensor& bias, int64_t group, const at::Tensor* log) {
    Normalised out = NormaliseGroups({weight, bias, group, kEps}, x, *log);
    context->save_for_backward({x, weight, bias, out.statistics.mean, out.statistics.inverse_std});
    context->saved_data["group"] = group;
    return out.y;
  }

  static variable_list backward(AutogradContext* context, const variable_list& grads) {
    const variable_list saved = context->get_saved_variables();
    const NormCall call{saved[1], saved[2], context->saved_data["group"].toInt(), kEps};
    NormGradients out = NormaliseBackward(
        call, saved[0], {saved[3], saved[4]}, grads[0],
        {context->needs_input_grad(0), context->needs_input_grad(1), context->needs_input_grad(2)});
    return {out.x, out.weight, out.bias, at::Tensor(), at::Tensor()};
  }
};

}  // namespace

BatchNorm::BatchNorm(ParameterMaker& make, const std::string& prefix, int64_t channels,
                     double gamma)
    : weight_(make.Constant(prefix + ".weight", {channels}, gamma)),
      bias_(make.Constant(prefix + ".bias", {channels}, 0.0)),
      running_mean_(make.ConstantBuffer(prefix + ".running_mean", {channels}, 0.0)),
      running_var_(make.ConstantBuffer(prefix + ".running_var", {channels}, 1.0)),
      log_(make.Log({running_mean_, running_var_},
                    make.CounterBuffer(prefix + ".num_batches_tracked"), kMomentum)) {}

NormCall BatchNorm::CallOf(const StageContext& context, const at::Tensor& x) const {
  const int64_t batch = x.size(0);
  TORCH_CHECK(batch > 0, "BatchNorm got a batch without samples: ", x.sizes());
  const bool whole = context.norm_group == 0 || context.norm_group > batch;
  const int64_t group = whole ? batch : context.norm_group;
  const int64_t smallest = batch % group == 0 ? group : batch % group;
  // One value has no variance: the running variance would be NaN from then on.
  TORCH_CHECK(smallest * x.numel() / std::max<int64_t>(batch * x.size(1), 1) > 1,
              "BatchNorm gets one value per channel in a group of ", smallest, " of ", x.sizes(),
              "; use larger images, more frames, a larger model.norm_group or frozen norms");
  return {weight_, bias_, group, kEps};
}

Normalised BatchNorm::NormaliseByRunning(const at::Tensor& x, const NormTail& tail) const {
  at::Tensor y = std::get<0>(at::native_batch_norm(x, weight_, bias_, running_mean_, running_var_,
                                                   /*training=*/false, kMomentum, kEps));
  if (tail.residual.defined()) y.add_(tail.residual);
  if (tail.relu) y.relu_();
  return {std::move(y), {}};
}

at::Tensor BatchNorm::LogOf(const StageContext& context, const NormCall& call,
                            const at::Tensor& x) {
  if (!context.first_visit) return {};
  return log_->Append(context.first_position, (x.size(0) + call.group - 1) / call.group);
}

at::Tensor BatchNorm::Forward(const StageContext& context, const at::Tensor& x) {
  if (UsesRunning(context)) return NormaliseByRunning(x, {}).y;
  const NormCall call = CallOf(context, x);
  const at::Tensor log = LogOf(context, call, x);
  return BatchNormFunction::apply(x, weight_, bias_, call.group, &log);
}

Normalised BatchNorm::Normalise(const StageContext& context, const at::Tensor& x,
                                const NormTail& tail) {
  if (UsesRunning(context)) return NormaliseByRunning(x, tail);
  const NormCall call = CallOf(context, x);
  return NormaliseGroups(call, x, LogOf(context, call, x), tail);
}

at::Tensor BatchNorm::Rebuild(const StageContext& context, const at::Tensor& x,
                              const GroupStatistics& statistics, const NormTail& tail) const {
  if (UsesRunning(context)) return NormaliseByRunning(x, tail).y;
  return NormaliseFromStatistics(CallOf(context, x), x, statistics, tail);
}

bool BatchNorm::CanBackwardThroughRelu(const StageContext& context, const at::Tensor& x) {
  return !UsesRunning(context) && slimreel::CanBackwardThroughRelu(x);
}

NormGradients BatchNorm::Backward(const StageContext& context, const at::Tensor& x,
                                  const GroupStatistics& statistics, const at::Tensor& grad,
                                  std::array<bool, 3> need, bool through_relu) const {
  if (!UsesRunning(context)) {
    return NormaliseBackward(CallOf(context, x), x, statistics, grad, need, through_relu);
  }
  TORCH_CHECK(!through_relu, "no backward through ReLU with running statistics");
  auto [grad_x, grad_weight, grad_bias] = at::native_batch_norm_backward(
      grad, x, weight_.detach(), running_mean_, running_var_, /*save_mean=*/{},
      /*save_invstd=*/{}, /*train=*/false, kEps, need);
  return {std::move(grad_x), std::move(grad_weight), std::move(grad_bias)};
}

}  // namespace slimreel
