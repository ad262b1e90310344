#include "models/rgb/timesformer.h"

#include <ATen/ops/cat.h>

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "models/layers/linear.h"
#include "models/layers/parameter_maker.h"
#include "models/layers/transformer/attention.h"
#include "models/layers/transformer/mlp_half.h"
#include "models/layers/transformer/norm_linear.h"
#include "models/layers/transformer/patch_embedding.h"
#include "models/layers/transformer/transformer_half.h"
#include "models/spec/spec_options.h"

namespace slimreel {
namespace {

constexpr double kInitStd = 0.02;
constexpr double kNormEps = 1e-6;

int64_t Patches(const TimesformerConfig& config, const ModelSpec& spec) {
  return (spec.height / config.patch) * (spec.width / config.patch);
}

// {clips [B, 3, T, H, W]} -> {tokens [B, 1 + P T, C]}
class Embeddings : public Stage {
 public:
  Embeddings(const TimesformerConfig& config, const ModelSpec& spec)
      : Stage("embeddings"),
        config_(config),
        dropout_("embeddings.dropout", spec.dropout.value_or(0.0)) {
    ParameterMaker make(MakeParameterOptions(spec), &state_);
    const std::string key = "timesformer.embeddings.";
    const std::string projection = key + "patch_embeddings.projection";
    weight_ =
        make.Normal(projection + ".weight", {config.dim, 3, config.patch, config.patch}, kInitStd);
    bias_ = make.Constant(projection + ".bias", {config.dim}, 0.0);
    cls_ = make.Normal(key + "cls_token", {1, 1, config.dim}, kInitStd);
    positions_ = make.Normal(key + "position_embeddings",
                             {1, Patches(config, spec) + 1, config.dim}, kInitStd);
    times_ = make.Constant(key + "time_embeddings", {1, spec.num_frames, config.dim}, 0.0);
  }

  Tensors Forward(const StageContext& context, Tensors in) override {
    const at::Tensor& clips = in[0];
    const int64_t batch = clips.size(0), frames = clips.size(2), dim = config_.dim;
    // [B, T P, C] -> [B, P, T, C]
    const at::Tensor patches =
        EmbedPatches(clips, weight_, bias_, {1, config_.patch, config_.patch})
            .unflatten(1, {frames, -1})
            .transpose(1, 2);
    TORCH_CHECK(patches.size(1) == positions_.size(1) - 1 && frames == times_.size(1),
                "the model was built for ", times_.size(1), " frames of ", positions_.size(1) - 1,
                " patches, but the clips have ", frames, " frames of ", patches.size(1));
    const at::Tensor where = positions_.narrow(1, 1, patches.size(1)).unsqueeze(2);
    const at::Tensor rest = patches.add(where).add(times_.unsqueeze(1)).reshape({batch, -1, dim});
    const at::Tensor cls = cls_.add(positions_.narrow(1, 0, 1)).expand({batch, 1, dim});
    return {dropout_.Forward(context, at::cat({cls, rest}, 1))};
  }

 private:
  TimesformerConfig config_;
  Dropout dropout_;
  at::Tensor weight_, bias_;  // [C, 3, patch, patch], [C]
  at::Tensor cls_;            // [1, 1, C]
  at::Tensor positions_;      // [1, 1 + P, C]; CLS first
  at::Tensor times_;          // [1, T, C]
};

// The common part of the temporal and the spatial half: a norm, a joint projection to query, key
// and value, and an output projection.
class DividedAttention : public TransformerHalf {
 protected:
  DividedAttention(std::string name, const HalfOptions& options, int64_t frames,
                   const std::string& norm, const std::string& attention)
      : TransformerHalf(std::move(name), options), frames_(frames) {
    ParameterMaker make(options.parameters, &state_);
    const int64_t dim = options.dim;
    norm_ = MakeNorm(make, norm, dim, kNormEps);
    qkv_ = MakeLinear(make, KeysOf(attention + ".attention.qkv"), 3 * dim, dim, kInitStd);
    out_ = MakeLinear(make, KeysOf(attention + ".output.dense"), dim, dim, kInitStd);
  }

  // sequences [S, N, C] contiguous -> rows [S N, C]: out(attention(norm(sequences))).
  at::Tensor Attend(const StageContext& context, const at::Tensor& sequences) const {
    const std::vector<at::Tensor> qkv =
        NormLinear(sequences, norm_, {qkv_}, context.lean)[0].chunk(3, 1);
    const at::Tensor rows =
        MultiHeadAttention(qkv[0], qkv[1], qkv[2], {sequences.size(0), options().heads});
    return LinearRows(rows, out_.weight, out_.bias);
  }

  int64_t frames() const { return frames_; }

 private:
  int64_t frames_;
  Norm norm_;
  Linear qkv_;  // [3 C, C]: query, key, value
  Linear out_;  // [C, C]
};

// Each patch attends to itself in all frames. The layer `temporal_dense` ends the branch.
class TemporalHalf : public DividedAttention {
 public:
  TemporalHalf(int64_t index, const HalfOptions& options, int64_t frames, const std::string& layer)
      : DividedAttention(absl::StrCat("layer.", index, ".temporal"), options, frames,
                         layer + ".temporal_layernorm", layer + ".temporal_attention") {
    ParameterMaker make(options.parameters, &state_);
    dense_ =
        MakeLinear(make, KeysOf(layer + ".temporal_dense"), options.dim, options.dim, kInitStd);
  }

  Tensors Forward(const StageContext& context, Tensors in) override {
    const at::Tensor& x = in[0];
    const at::Tensor patches = x.narrow(1, 1, x.size(1) - 1);  // [B, P T, C]
    const at::Tensor branch =
        Attend(context, patches.reshape({-1, frames(), x.size(2)})).view(patches.sizes());
    const at::Tensor dropped = AsRows(Drop(context, branch));
    const at::Tensor dense = LinearRows(dropped, dense_.weight, dense_.bias).view(patches.sizes());
    return {at::cat({x.narrow(1, 0, 1), patches.add(dense)}, 1)};
  }
  std::string signature() const override {
    return Describe(absl::StrCat("timesformer temporal heads ", options().heads));
  }

 private:
  Linear dense_;  // [C, C]
};

// The patches of each frame attend to each other and to the CLS token. The CLS token gets the mean
// of its outputs over the frames.
class SpatialHalf : public DividedAttention {
 public:
  SpatialHalf(int64_t index, const HalfOptions& options, int64_t frames, const std::string& layer)
      : DividedAttention(absl::StrCat("layer.", index, ".spatial"), options, frames,
                         layer + ".layernorm_before", layer + ".attention") {}

  Tensors Forward(const StageContext& context, Tensors in) override {
    const at::Tensor& x = in[0];
    const int64_t batch = x.size(0), dim = x.size(2), patches = (x.size(1) - 1) / frames();
    const at::Tensor cls = x.narrow(1, 0, 1).unsqueeze(1).expand({batch, frames(), 1, dim});
    const at::Tensor by_frame =
        x.narrow(1, 1, patches * frames()).view({batch, patches, frames(), dim}).transpose(1, 2);
    const at::Tensor sequences = at::cat({cls, by_frame}, 2).flatten(0, 1);
    const at::Tensor branch = Attend(context, sequences).view({batch, frames(), 1 + patches, dim});
    const at::Tensor dropped = Drop(context, branch);
    const at::Tensor to_cls = dropped.select(2, 0).mean(1, /*keepdim=*/true);
    const at::Tensor to_patches =
        dropped.narrow(2, 1, patches).transpose(1, 2).reshape({batch, patches * frames(), dim});
    return {x.add(at::cat({to_cls, to_patches}, 1))};
  }
  std::string signature() const override {
    return Describe(absl::StrCat("timesformer spatial heads ", options().heads));
  }
};

// {tokens [B, 1 + P T, C]} -> {logits [B, K]}: the norm and a linear map of the CLS token.
class ClsClassifier : public Stage {
 public:
  ClsClassifier(const TimesformerConfig& config, const ModelSpec& spec)
      : Stage("classifier"), dropout_("classifier.dropout", spec.dropout.value_or(0.0)) {
    ParameterMaker make(MakeParameterOptions(spec), &state_);
    norm_ = MakeNorm(make, "timesformer.layernorm", config.dim, kNormEps);
    map_ = MakeLinear(make, KeysOf("classifier"), spec.num_classes, config.dim, kInitStd);
  }
  Tensors Forward(const StageContext& context, Tensors in) override {
    const at::Tensor cls =
        LayerNormLast(in[0].select(1, 0).contiguous(), norm_.weight, norm_.bias, norm_.eps);
    return {LinearRows(dropout_.Forward(context, cls), map_.weight, map_.bias)};
  }

 private:
  Dropout dropout_;
  Norm norm_;
  Linear map_;  // [K, C]
};

}  // namespace

TimesformerConfig TimesformerBase() { return {}; }

std::vector<std::unique_ptr<Stage>> MakeTimesformerStages(const TimesformerConfig& config,
                                                          const ModelSpec& spec) {
  std::vector<std::unique_ptr<Stage>> stages;
  stages.push_back(std::make_unique<Embeddings>(config, spec));
  HalfOptions options =
      MakeHalfOptions({config.dim, config.heads, config.mlp_dim, kNormEps, kInitStd}, spec);
  for (int64_t i = 0; i < config.layers; ++i) {
    options.drop_path = LayerDropPath(spec.drop_path.value_or(0.0), i, config.layers);
    const std::string layer = absl::StrCat("timesformer.encoder.layer.", i);
    stages.push_back(std::make_unique<TemporalHalf>(i, options, spec.num_frames, layer));
    stages.push_back(std::make_unique<SpatialHalf>(i, options, spec.num_frames, layer));
    stages.push_back(std::make_unique<MlpHalf>(
        absl::StrCat("layer.", i, ".mlp"), options,
        MlpKeys{layer + ".layernorm_after", KeysOf(layer + ".intermediate.dense"),
                KeysOf(layer + ".output.dense")}));
  }
  stages.push_back(std::make_unique<ClsClassifier>(config, spec));
  return stages;
}

}  // namespace slimreel
