#include "models/layers/transformer/attention_half.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "models/layers/transformer/attention.h"
#include "models/layers/transformer/norm_linear.h"

namespace slimreel {
namespace {

Linear MakeSquare(ParameterMaker& make, const LinearKeys& keys, const HalfOptions& options) {
  return MakeLinear(make, keys, options.dim, options.dim, options.init_std);
}

at::Tensor Project(const at::Tensor& base, const at::Tensor& rows, const Linear& map) {
  return base.defined() ? LinearRowsOnto(base, rows, map) : LinearRows(rows, map.weight, map.bias);
}

}  // namespace

SelfAttentionHalf::SelfAttentionHalf(std::string name, const HalfOptions& options,
                                     const AttentionKeys& keys)
    : TransformerHalf(std::move(name), options) {
  ParameterMaker make(options.parameters, &state_);
  for (const LinearKeys* map : {&keys.query, &keys.key, &keys.value}) {
    inputs_.push_back(MakeSquare(make, *map, options));
  }
  out_ = MakeSquare(make, keys.out, options);
  norm_ = MakeNorm(make, keys.norm, options.dim, options.norm_eps);
}

Tensors SelfAttentionHalf::Forward(const StageContext& context, Tensors in) {
  const at::Tensor& x = in[0];
  const at::Tensor base = Base(context, x);
  at::Tensor rows;
  {
    // Freed before the last product. Autograd has saved what backward needs.
    const std::vector<at::Tensor> qkv = NormLinear(x, norm_, inputs_, context.lean);
    rows =
        MultiHeadAttention(qkv[0], qkv[1], qkv[2], {x.size(0), options().heads, options().causal});
  }
  return Join(context, Project(base, rows, out_), base, std::move(in));
}

std::string SelfAttentionHalf::signature() const {
  return Describe(absl::StrCat("self attention heads ", options().heads));
}

CrossAttentionHalf::CrossAttentionHalf(std::string name, const HalfOptions& options,
                                       const AttentionKeys& keys)
    : TransformerHalf(std::move(name), options) {
  ParameterMaker make(options.parameters, &state_);
  query_ = MakeSquare(make, keys.query, options);
  key_ = MakeSquare(make, keys.key, options);
  value_ = MakeSquare(make, keys.value, options);
  out_ = MakeSquare(make, keys.out, options);
  norm_ = MakeNorm(make, keys.norm, options.dim, options.norm_eps);
}

Tensors CrossAttentionHalf::Forward(const StageContext& context, Tensors in) {
  const at::Tensor& x = in[0];
  const at::Tensor base = Base(context, x);
  at::Tensor rows;
  {
    const at::Tensor states = AsRows(in[1]);
    const at::Tensor query = NormLinear(x, norm_, {query_}, context.lean)[0];
    const at::Tensor key = LinearRows(states, key_.weight, key_.bias);
    const at::Tensor value = LinearRows(states, value_.weight, value_.bias);
    rows = MultiHeadAttention(query, key, value, {x.size(0), options().heads, false});
  }
  return Join(context, Project(base, rows, out_), base, std::move(in));
}

std::string CrossAttentionHalf::signature() const {
  return Describe(absl::StrCat("cross attention heads ", options().heads));
}

}  // namespace slimreel
