#include "models/layers/transformer/transformer_half.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "models/layers/autocast.h"

namespace slimreel {

double LayerDropPath(double last, int64_t layer, int64_t layers) {
  const double share = layers == 1 ? 1.0 : static_cast<double>(layer) / (layers - 1);
  return std::max(last, 0.0) * share;
}

TransformerHalf::TransformerHalf(std::string name, const HalfOptions& options)
    : Stage(std::move(name)),
      options_(options),
      dropout_(this->name() + ".dropout", options.dropout),
      drop_path_(this->name() + ".drop_path", options.drop_path) {}

std::vector<int> TransformerHalf::handed_on() const {
  if (options_.slots == 1) return {};
  std::vector<int> from{-1};
  for (int slot = 1; slot < options_.slots; ++slot) from.push_back(slot);
  return from;
}

std::string TransformerHalf::Describe(const std::string& kind) const {
  return absl::StrCat(kind, " ", options_.dim, options_.causal ? " causal" : "", " slots ",
                      options_.slots, options_.dropout > 0 ? " dropout" : "",
                      options_.drop_path > 0 ? " drop-path" : "");
}

at::Tensor TransformerHalf::Drop(const StageContext& context, const at::Tensor& branch) const {
  return drop_path_.Forward(context, dropout_.Forward(context, branch));
}

at::Tensor TransformerHalf::Base(const StageContext& context, const at::Tensor& x) const {
  const bool dropped = dropout_.active(context) || drop_path_.active(context);
  return dropped || AutocastOn(x) ? at::Tensor() : AsRows(x);
}

Tensors TransformerHalf::Join(const StageContext& context, const at::Tensor& branch,
                              const at::Tensor& base, Tensors in) const {
  const at::Tensor& x = in[0];
  const at::Tensor out = branch.view_as(x);
  in[0] = base.defined() ? out : x.add(Drop(context, out));
  return in;
}

}  // namespace slimreel
