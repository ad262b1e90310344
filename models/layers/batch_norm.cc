#include "models/layers/batch_norm.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/native_batch_norm.h>
#include <ATen/ops/native_batch_norm_backward.h>

#include <algorithm>
#include <utility>

namespace slimreel {
namespace {

constexpr double kMomentum = 0.1;
constexpr double kEps = 1e-5;

bool UsesRunning(const StageContext& context) { return !context.training || context.norm_frozen; }

int64_t GroupSize(const StageContext& context, int64_t batch) {
  const bool whole = UsesRunning(context) || context.norm_group == 0;
  return whole ? batch : std::min(context.norm_group, batch);
}

// Sums as autograd does: it meets the groups from the last to the first.
void Accumulate(at::Tensor& sum, at::Tensor term) {
  sum = sum.defined() ? sum.add_(term) : std::move(term);
}

}  // namespace

BatchNorm::BatchNorm(ParameterMaker& make, const std::string& prefix, int64_t channels,
                     double gamma)
    : weight_(make.Constant(prefix + ".weight", {channels}, gamma)),
      bias_(make.Constant(prefix + ".bias", {channels}, 0.0)),
      running_mean_(make.ConstantBuffer(prefix + ".running_mean", {channels}, 0.0)),
      running_var_(make.ConstantBuffer(prefix + ".running_var", {channels}, 1.0)),
      num_batches_tracked_(make.CounterBuffer(prefix + ".num_batches_tracked")) {}

std::tuple<at::Tensor, at::Tensor, at::Tensor> BatchNorm::NormaliseGroup(const at::Tensor& x,
                                                                         bool move_statistics) {
  if (!move_statistics) {
    return at::native_batch_norm(x, weight_, bias_, {}, {}, /*training=*/true, kMomentum, kEps);
  }
  num_batches_tracked_.add_(1);
  return at::native_batch_norm(x, weight_, bias_, running_mean_, running_var_,
                               /*training=*/true, kMomentum, kEps);
}

BatchNorm::Rebuilt BatchNorm::Normalise(const StageContext& context, const at::Tensor& x,
                                        bool move_statistics) {
  Rebuilt out;
  Tensors normalised;
  const auto keep = [&](std::tuple<at::Tensor, at::Tensor, at::Tensor> group) {
    normalised.push_back(std::move(std::get<0>(group)));
    out.means.push_back(std::move(std::get<1>(group)));
    out.invstds.push_back(std::move(std::get<2>(group)));
  };
  const int64_t batch = x.size(0);
  const int64_t size = GroupSize(context, batch);
  if (UsesRunning(context)) {
    keep(at::native_batch_norm(x, weight_, bias_, running_mean_, running_var_,
                               /*training=*/false, kMomentum, kEps));
  } else if (size == batch) {
    keep(NormaliseGroup(x, move_statistics));
  } else {
    for (int64_t begin = 0; begin < batch; begin += size) {
      keep(NormaliseGroup(x.narrow(0, begin, std::min(size, batch - begin)), move_statistics));
    }
  }
  out.y = normalised.size() == 1 ? std::move(normalised[0]) : at::cat(normalised);
  return out;
}

at::Tensor BatchNorm::Forward(const StageContext& context, const at::Tensor& x) {
  return Normalise(context, x, context.first_visit).y;
}

BatchNorm::Rebuilt BatchNorm::Rebuild(const StageContext& context, const at::Tensor& x) {
  return Normalise(context, x, /*move_statistics=*/false);
}

BatchNorm::Gradients BatchNorm::Backward(const StageContext& context, const at::Tensor& x,
                                         const Rebuilt& rebuilt, const at::Tensor& grad,
                                         std::array<bool, 3> need) const {
  const int64_t batch = x.size(0);
  const int64_t size = GroupSize(context, batch);
  Tensors grad_x(rebuilt.means.size());
  Gradients gradients;
  for (int64_t group = static_cast<int64_t>(grad_x.size()) - 1; group >= 0; --group) {
    const int64_t begin = group * size;
    const int64_t count = std::min(size, batch - begin);
    auto [of_x, of_weight, of_bias] = at::native_batch_norm_backward(
        grad.narrow(0, begin, count), x.narrow(0, begin, count), weight_.detach(), running_mean_,
        running_var_, rebuilt.means[group], rebuilt.invstds[group], !UsesRunning(context), kEps,
        need);
    grad_x[group] = std::move(of_x);
    if (need[1]) Accumulate(gradients.weight, std::move(of_weight));
    if (need[2]) Accumulate(gradients.bias, std::move(of_bias));
  }
  if (need[0]) gradients.x = grad_x.size() == 1 ? std::move(grad_x[0]) : at::cat(grad_x);
  return gradients;
}

}  // namespace slimreel
