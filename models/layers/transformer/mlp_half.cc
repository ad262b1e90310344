#include "models/layers/transformer/mlp_half.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "models/layers/transformer/gelu_linear.h"
#include "models/layers/transformer/norm_linear.h"

namespace slimreel {

MlpHalf::MlpHalf(std::string name, const HalfOptions& options, const MlpKeys& keys)
    : TransformerHalf(std::move(name), options) {
  ParameterMaker make(options.parameters, &state_);
  up_ = MakeLinear(make, keys.up, options.hidden, options.dim, options.init_std);
  down_ = MakeLinear(make, keys.down, options.dim, options.hidden, options.init_std);
  norm_ = MakeNorm(make, keys.norm, options.dim, options.norm_eps);
}

Tensors MlpHalf::Forward(const StageContext& context, Tensors in) {
  const at::Tensor base = Base(context, in[0]);
  const at::Tensor hidden = NormLinear(in[0], norm_, {up_}, context.lean)[0];
  const at::Tensor branch = GeluLinear(hidden, down_, base, context.lean);
  return Join(context, branch, base, std::move(in));
}

std::string MlpHalf::signature() const {
  return Describe(absl::StrCat("mlp hidden ", options().hidden));
}

}  // namespace slimreel
