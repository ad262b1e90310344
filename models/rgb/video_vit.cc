#include "models/rgb/video_vit.h"

#include <ATen/ops/empty.h>

#include <algorithm>
#include <cmath>
#include <string>

#include "absl/strings/str_cat.h"
#include "models/heads/classifier.h"
#include "models/layers/parameter_maker.h"
#include "models/layers/transformer/attention_half.h"
#include "models/layers/transformer/mlp_half.h"
#include "models/layers/transformer/patch_embedding.h"
#include "models/spec/spec_options.h"

namespace slimreel {
namespace {

constexpr double kInitStd = 0.02;
constexpr double kNormEps = 1e-12;

// {clips [B, 3, T, H, W]} -> {tokens [B, N, C]}
class Embeddings : public Stage {
 public:
  Embeddings(const VideoVitConfig& config, const ModelSpec& spec)
      : Stage("embeddings"), config_(config) {
    ParameterMaker make(MakeParameterOptions(spec), &state_);
    const std::string key = "videomae.embeddings.patch_embeddings.projection";
    weight_ = make.Normal(key + ".weight",
                          {config.dim, 3, config.tubelet, config.patch, config.patch}, kInitStd);
    bias_ = make.Constant(key + ".bias", {config.dim}, 0.0);
    const int64_t tokens = (spec.num_frames / config.tubelet) * (spec.height / config.patch) *
                           (spec.width / config.patch);
    positions_ = make.Table("positions", SinusoidPositions(tokens, config.dim, spec.dtype));
  }

  Tensors Forward(const StageContext& /*context*/, Tensors in) override {
    at::Tensor tokens =
        EmbedPatches(in[0], weight_, bias_, {config_.tubelet, config_.patch, config_.patch});
    TORCH_CHECK(tokens.size(1) == positions_.size(1), "the model was built for ",
                positions_.size(1), " tokens, but the clips have ", tokens.size(1));
    // Under autocast, the tokens have a narrower dtype than the residual stream.
    return {tokens.scalar_type() == positions_.scalar_type() ? tokens.add_(positions_)
                                                             : tokens.add(positions_)};
  }

 private:
  VideoVitConfig config_;
  at::Tensor weight_;     // [C, 3, tubelet, patch, patch]
  at::Tensor bias_;       // [C]
  at::Tensor positions_;  // [1, N, C]; a constant
};

// Keys have no bias, because softmax ignores it.
AttentionKeys AttentionKeysOf(const std::string& layer) {
  const std::string inner = layer + ".attention.attention";
  return {layer + ".layernorm_before",
          {inner + ".query.weight", inner + ".q_bias"},
          {inner + ".key.weight", ""},
          {inner + ".value.weight", inner + ".v_bias"},
          KeysOf(layer + ".attention.output.dense")};
}

MlpKeys MlpKeysOf(const std::string& layer) {
  return {layer + ".layernorm_after", KeysOf(layer + ".intermediate.dense"),
          KeysOf(layer + ".output.dense")};
}

}  // namespace

VideoVitConfig VideoVitNano() { return {128, 4, 4, 512, 2, 16}; }

VideoVitConfig VideoVitTiny() { return {192, 3, 12, 768, 2, 16}; }

VideoVitConfig VideoVitSmall() { return {}; }

VideoVitConfig VideoVitBase() { return {768, 12, 12, 3072, 2, 16}; }

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
  HalfOptions options =
      MakeHalfOptions({config.dim, config.heads, config.mlp_dim, kNormEps, kInitStd}, spec);
  for (int64_t i = 0; i < config.layers; ++i) {
    options.drop_path = LayerDropPath(spec.drop_path.value_or(0.0), i, config.layers);
    const std::string layer = absl::StrCat("videomae.encoder.layer.", i);
    stages.push_back(std::make_unique<SelfAttentionHalf>(absl::StrCat("layer.", i, ".attention"),
                                                         options, AttentionKeysOf(layer)));
    stages.push_back(
        std::make_unique<MlpHalf>(absl::StrCat("layer.", i, ".mlp"), options, MlpKeysOf(layer)));
  }
  stages.push_back(std::make_unique<TokenClassifier>(
      MakeClassifierOptions(spec, /*reference_dropout=*/0.0, config.dim)));
  return stages;
}

}  // namespace slimreel
