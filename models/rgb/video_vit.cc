#include "models/rgb/video_vit.h"

#include <ATen/ops/conv3d.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/scaled_dot_product_attention.h>

#include <cmath>
#include <string>

#include "absl/strings/str_cat.h"
#include "models/heads/classifier.h"
#include "models/layers/dropout.h"
#include "models/layers/linear.h"
#include "models/layers/parameter_maker.h"

namespace slimreel {
namespace {

constexpr double kInitStd = 0.02;
constexpr double kNormEps = 1e-12;

// What the stages of one model share.
struct BlockOptions {
  VideoVitConfig config;
  uint64_t seed;
  at::ScalarType dtype;
  double dropout;
  double drop_path;
};

// {clips [B, 3, T, H, W]} -> {tokens [B, N, C]}
class Embeddings : public Stage {
 public:
  Embeddings(const VideoVitConfig& config, const ModelSpec& spec)
      : Stage("embeddings"), config_(config) {
    ParameterMaker make(spec.seed, spec.dtype, &parameters_, &buffers_);
    const std::string key = "videomae.embeddings.patch_embeddings.projection";
    weight_ = make.Normal(key + ".weight",
                          {config.dim, 3, config.tubelet, config.patch, config.patch}, kInitStd);
    bias_ = make.Constant(key + ".bias", {config.dim}, 0.0);
    const int64_t tokens = (spec.num_frames / config.tubelet) * (spec.height / config.patch) *
                           (spec.width / config.patch);
    positions_ = SinusoidPositions(tokens, config.dim, spec.dtype);
  }

  Tensors Forward(const StageContext& /*context*/, Tensors in) override {
    const std::array<int64_t, 3> patch{config_.tubelet, config_.patch, config_.patch};
    const at::Tensor tokens = at::conv3d(in[0], weight_, bias_, patch).flatten(2).transpose(1, 2);
    TORCH_CHECK(tokens.size(1) == positions_.size(1), "the model was built for ",
                positions_.size(1), " tokens, the clips give ", tokens.size(1));
    // Contiguous, or every consumer would copy.
    return {tokens.contiguous().add_(positions_.to(tokens.device()))};
  }

 private:
  VideoVitConfig config_;
  at::Tensor weight_;     // [C, 3, tubelet, patch, patch]
  at::Tensor bias_;       // [C]
  at::Tensor positions_;  // [1, N, C]; not in the state dict
};

// The end of both halves: rows [B * N, C] of the branch + x [B, N, C], with
// dropout and drop-path on the branch. Writes into `branch`.
at::Tensor AddBranch(const StageContext& context, const Dropout& dropout, const DropPath& drop_path,
                     at::Tensor branch, const at::Tensor& x) {
  if (!dropout.active(context) && !drop_path.active(context)) {
    // Before the view: adding into a view in place makes autograd copy.
    return branch.add_(AsRows(x)).view_as(x);
  }
  return drop_path.Forward(context, dropout.Forward(context, branch.view_as(x))).add_(x);
}

// {x [B, N, C]} -> {x + projection(attention(norm(x)))}
class AttentionHalf : public Stage {
 public:
  AttentionHalf(int64_t index, const BlockOptions& options)
      : Stage(absl::StrCat("layer.", index, ".attention")),
        options_(options),
        dropout_(name() + ".dropout", options.dropout),
        drop_path_(name() + ".drop_path", options.drop_path) {
    ParameterMaker make(options.seed, options.dtype, &parameters_, &buffers_);
    const int64_t dim = options.config.dim;
    const std::string layer = absl::StrCat("videomae.encoder.layer.", index);
    const std::string inner = layer + ".attention.attention";
    q_bias_ = make.Constant(inner + ".q_bias", {dim}, 0.0);
    v_bias_ = make.Constant(inner + ".v_bias", {dim}, 0.0);
    query_ = make.Normal(inner + ".query.weight", {dim, dim}, kInitStd);
    key_ = make.Normal(inner + ".key.weight", {dim, dim}, kInitStd);
    value_ = make.Normal(inner + ".value.weight", {dim, dim}, kInitStd);
    out_weight_ = make.Normal(layer + ".attention.output.dense.weight", {dim, dim}, kInitStd);
    out_bias_ = make.Constant(layer + ".attention.output.dense.bias", {dim}, 0.0);
    norm_weight_ = make.Constant(layer + ".layernorm_before.weight", {dim}, 1.0);
    norm_bias_ = make.Constant(layer + ".layernorm_before.bias", {dim}, 0.0);
  }

  Tensors Forward(const StageContext& context, Tensors in) override {
    const at::Tensor& x = in[0];
    const at::Tensor rows = AsRows(LayerNormLast(x, norm_weight_, norm_bias_, kNormEps));
    const at::Tensor query = SplitHeads(LinearRows(rows, query_, q_bias_), x);
    const at::Tensor key = SplitHeads(LinearRows(rows, key_, {}), x);
    const at::Tensor value = SplitHeads(LinearRows(rows, value_, v_bias_), x);
    const at::Tensor heads = at::scaled_dot_product_attention(query, key, value);
    const at::Tensor joined = heads.transpose(1, 2).reshape({-1, x.size(2)});
    return {
        AddBranch(context, dropout_, drop_path_, LinearRows(joined, out_weight_, out_bias_), x)};
  }
  std::string signature() const override {
    return absl::StrCat("video_vit_attention ", options_.config.dim, " heads ",
                        options_.config.heads);
  }

 private:
  // [B * N, C] -> [B, heads, N, C / heads], a view.
  at::Tensor SplitHeads(const at::Tensor& rows, const at::Tensor& x) const {
    const int64_t heads = options_.config.heads;
    return rows.view({x.size(0), x.size(1), heads, x.size(2) / heads}).transpose(1, 2);
  }

  BlockOptions options_;
  Dropout dropout_;
  DropPath drop_path_;
  at::Tensor q_bias_, v_bias_;          // [C]; keys have no bias: softmax would not see it
  at::Tensor query_, key_, value_;      // [C, C]
  at::Tensor out_weight_, out_bias_;    // [C, C], [C]
  at::Tensor norm_weight_, norm_bias_;  // [C]
};

// {x [B, N, C]} -> {x + output(gelu(intermediate(norm(x))))}
class MlpHalf : public Stage {
 public:
  MlpHalf(int64_t index, const BlockOptions& options)
      : Stage(absl::StrCat("layer.", index, ".mlp")),
        options_(options),
        dropout_(name() + ".dropout", options.dropout),
        drop_path_(name() + ".drop_path", options.drop_path) {
    ParameterMaker make(options.seed, options.dtype, &parameters_, &buffers_);
    const int64_t dim = options.config.dim;
    const int64_t hidden = options.config.mlp_dim;
    const std::string layer = absl::StrCat("videomae.encoder.layer.", index);
    up_weight_ = make.Normal(layer + ".intermediate.dense.weight", {hidden, dim}, kInitStd);
    up_bias_ = make.Constant(layer + ".intermediate.dense.bias", {hidden}, 0.0);
    down_weight_ = make.Normal(layer + ".output.dense.weight", {dim, hidden}, kInitStd);
    down_bias_ = make.Constant(layer + ".output.dense.bias", {dim}, 0.0);
    norm_weight_ = make.Constant(layer + ".layernorm_after.weight", {dim}, 1.0);
    norm_bias_ = make.Constant(layer + ".layernorm_after.bias", {dim}, 0.0);
  }

  Tensors Forward(const StageContext& context, Tensors in) override {
    const at::Tensor& x = in[0];
    const at::Tensor rows = AsRows(LayerNormLast(x, norm_weight_, norm_bias_, kNormEps));
    const at::Tensor hidden = at::gelu(LinearRows(rows, up_weight_, up_bias_));
    return {
        AddBranch(context, dropout_, drop_path_, LinearRows(hidden, down_weight_, down_bias_), x)};
  }
  std::string signature() const override {
    return absl::StrCat("video_vit_mlp ", options_.config.dim, " ", options_.config.mlp_dim);
  }

 private:
  BlockOptions options_;
  Dropout dropout_;
  DropPath drop_path_;
  at::Tensor up_weight_, up_bias_;      // [H, C], [H]
  at::Tensor down_weight_, down_bias_;  // [C, H], [C]
  at::Tensor norm_weight_, norm_bias_;  // [C]
};

}  // namespace

VideoVitConfig VideoVitNano() { return {128, 4, 4, 512, 2, 16}; }

VideoVitConfig VideoVitSmall() { return {}; }

at::Tensor SinusoidPositions(int64_t tokens, int64_t dim, at::ScalarType dtype) {
  at::Tensor table = at::empty({1, tokens, dim}, at::kFloat);
  float* out = table.mutable_data_ptr<float>();
  for (int64_t t = 0; t < tokens; ++t) {
    for (int64_t i = 0; i < dim; ++i) {
      const double exponent = 2.0 * static_cast<double>(i / 2) / static_cast<double>(dim);
      const double angle = static_cast<double>(t) / std::pow(10000.0, exponent);
      out[t * dim + i] = static_cast<float>(i % 2 == 0 ? std::sin(angle) : std::cos(angle));
    }
  }
  return table.to(dtype);
}

std::vector<std::unique_ptr<Stage>> MakeVideoVitStages(const VideoVitConfig& config,
                                                       const ModelSpec& spec) {
  std::vector<std::unique_ptr<Stage>> stages;
  stages.push_back(std::make_unique<Embeddings>(config, spec));
  const double dropout = spec.dropout < 0 ? 0.0 : spec.dropout;
  const double last_drop_path = spec.drop_path < 0 ? 0.0 : spec.drop_path;
  for (int64_t i = 0; i < config.layers; ++i) {
    // Stochastic depth grows linearly to its full value at the last block.
    const double share = config.layers == 1 ? 1.0 : static_cast<double>(i) / (config.layers - 1);
    const BlockOptions options{config, spec.seed, spec.dtype, dropout, last_drop_path * share};
    stages.push_back(std::make_unique<AttentionHalf>(i, options));
    stages.push_back(std::make_unique<MlpHalf>(i, options));
  }
  stages.push_back(std::make_unique<TokenClassifier>(
      ClassifierOptions{config.dim, spec.num_classes, dropout, spec.seed, spec.dtype}));
  return stages;
}

}  // namespace slimreel
