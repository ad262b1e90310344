#include "models/layers/batch_norm.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/native_batch_norm.h>

#include <algorithm>
#include <tuple>
#include <vector>

namespace slimreel {

BatchNorm::BatchNorm(ParameterMaker& make, const std::string& prefix, int64_t channels, double eps,
                     double momentum)
    : weight_(make.Constant(prefix + ".weight", {channels}, 1.0)),
      bias_(make.Constant(prefix + ".bias", {channels}, 0.0)),
      running_mean_(make.ConstantBuffer(prefix + ".running_mean", {channels}, 0.0)),
      running_var_(make.ConstantBuffer(prefix + ".running_var", {channels}, 1.0)),
      num_batches_tracked_(make.CounterBuffer(prefix + ".num_batches_tracked")),
      eps_(eps),
      momentum_(momentum) {}

at::Tensor BatchNorm::NormaliseGroup(const at::Tensor& x, bool move_statistics) {
  if (!move_statistics) {
    return std::get<0>(
        at::native_batch_norm(x, weight_, bias_, {}, {}, /*training=*/true, momentum_, eps_));
  }
  num_batches_tracked_.add_(1);
  return std::get<0>(at::native_batch_norm(x, weight_, bias_, running_mean_, running_var_,
                                           /*training=*/true, momentum_, eps_));
}

at::Tensor BatchNorm::Forward(const StageContext& context, const at::Tensor& x) {
  if (!context.training || context.norm_frozen) {
    return std::get<0>(at::native_batch_norm(x, weight_, bias_, running_mean_, running_var_,
                                             /*training=*/false, momentum_, eps_));
  }
  const int64_t batch = x.size(0);
  const int64_t group = context.norm_group > 0 ? context.norm_group : batch;
  if (group >= batch) return NormaliseGroup(x, context.first_visit);
  std::vector<at::Tensor> normalised;
  for (int64_t begin = 0; begin < batch; begin += group) {
    const int64_t count = std::min(group, batch - begin);
    normalised.push_back(NormaliseGroup(x.narrow(0, begin, count), context.first_visit));
  }
  return at::cat(normalised);
}

}  // namespace slimreel
