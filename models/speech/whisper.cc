#include "models/speech/whisper.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/conv1d.h>
#include <ATen/ops/embedding.h>
#include <ATen/ops/gelu.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "models/layers/linear.h"
#include "models/layers/parameter_maker.h"
#include "models/layers/transformer/attention_half.h"
#include "models/layers/transformer/mlp_half.h"
#include "models/losses/projected_cross_entropy.h"
#include "models/spec/spec_options.h"

namespace slimreel {
namespace {

constexpr double kInitStd = 0.02;
constexpr double kNormEps = 1e-5;

// {log_mel [B, mels, frames], tokens} -> {x [B, frames / 2, C], tokens}
class AudioEmbeddings : public Stage {
 public:
  AudioEmbeddings(const WhisperConfig& config, const ModelSpec& spec)
      : Stage("encoder.embeddings"),
        config_(config),
        dropout_(name() + ".dropout", spec.dropout.value_or(0.0)) {
    ParameterMaker make(MakeParameterOptions(spec), &state_);
    const std::string key = "model.encoder.";
    first_weight_ = make.Normal(key + "conv1.weight", {config.dim, config.mels, 3}, kInitStd);
    first_bias_ = make.Constant(key + "conv1.bias", {config.dim}, 0.0);
    second_weight_ = make.Normal(key + "conv2.weight", {config.dim, config.dim, 3}, kInitStd);
    second_bias_ = make.Constant(key + "conv2.bias", {config.dim}, 0.0);
    positions_ = make.TableBuffer(key + "embed_positions.weight",
                                  AudioPositions(config.audio_positions, config.dim));
  }

  Tensors Forward(const StageContext& context, Tensors in) override {
    const at::Tensor mel = in[0].to(first_weight_.scalar_type());
    TORCH_CHECK(mel.dim() == 3 && mel.size(1) == config_.mels && mel.size(2) % 2 == 0 &&
                    mel.size(2) <= 2 * config_.audio_positions,
                "log-mel must be [B, ", config_.mels,
                ", frames] with an even number of frames up to ", 2 * config_.audio_positions,
                ", not ", mel.sizes());
    const at::Tensor first = at::gelu(at::conv1d(mel, first_weight_, first_bias_, 1, 1));
    const at::Tensor second = at::gelu(at::conv1d(first, second_weight_, second_bias_, 2, 1));
    const at::Tensor x = second.transpose(1, 2).contiguous();
    return {dropout_.Forward(context, x.add(positions_.narrow(0, 0, x.size(1)))), in[1]};
  }
  std::vector<int> handed_on() const override { return {-1, 1}; }

 private:
  WhisperConfig config_;
  Dropout dropout_;
  at::Tensor first_weight_, first_bias_;    // [C, mels, 3], [C]
  at::Tensor second_weight_, second_bias_;  // [C, C, 3], [C]
  at::Tensor positions_;                    // [audio_positions, C]
};

// {x [B, N, C], slot 1} -> {norm(x)}, or {norm(x), slot 1} if it hands slot 1 on.
class FinalNorm : public Stage {
 public:
  FinalNorm(std::string name, const std::string& key, int64_t dim, bool hands_on,
            const ModelSpec& spec)
      : Stage(std::move(name)), hands_on_(hands_on) {
    ParameterMaker make(MakeParameterOptions(spec), &state_);
    norm_ = MakeNorm(make, key, dim, kNormEps);
  }
  Tensors Forward(const StageContext& /*context*/, Tensors in) override {
    in[0] = LayerNormLast(in[0], norm_.weight, norm_.bias, norm_.eps);
    if (!hands_on_) in.resize(1);
    return in;
  }
  std::vector<int> handed_on() const override {
    return hands_on_ ? std::vector<int>{-1, 1} : std::vector<int>{};
  }

 private:
  bool hands_on_;  // whether it hands slot 1 on
  Norm norm_;
};

// {states [B, M, C], tokens [B, L] int64} -> {y [B, L, C], states}
class TextEmbeddings : public Stage {
 public:
  TextEmbeddings(const WhisperConfig& config, const ModelSpec& spec)
      : Stage("decoder.embeddings"),
        pad_id_(config.pad_id),
        dropout_(name() + ".dropout", spec.dropout.value_or(0.0)) {
    ParameterMaker make(MakeParameterOptions(spec), &state_);
    const std::string key = "model.decoder.";
    tokens_ = make.Normal(key + "embed_tokens.weight", {config.vocabulary, config.dim}, kInitStd);
    if (!tokens_.is_meta()) tokens_.detach()[pad_id_].zero_();
    positions_ =
        make.Normal(key + "embed_positions.weight", {config.text_positions, config.dim}, kInitStd);
  }

  Tensors Forward(const StageContext& context, Tensors in) override {
    const at::Tensor& tokens = in[1];
    TORCH_CHECK(tokens.dim() == 2 && tokens.size(1) <= positions_.size(0),
                "tokens must be [B, L], L ", "at most ", positions_.size(0), ", not ",
                tokens.sizes());
    const at::Tensor y =
        at::embedding(tokens_, tokens, pad_id_).add_(positions_.narrow(0, 0, tokens.size(1)));
    return {dropout_.Forward(context, y), in[0]};
  }
  std::vector<int> handed_on() const override { return {-1, 0}; }

  // The loss projects the states with it.
  const NamedTensor& embedding() const { return state_.parameters[0]; }

 private:
  int64_t pad_id_;
  Dropout dropout_;
  at::Tensor tokens_;     // [V, C]
  at::Tensor positions_;  // [text_positions, C]
};

AttentionKeys AttentionKeysOf(const std::string& layer, const std::string& attention) {
  const std::string prefix = layer + "." + attention;
  return {prefix + "_layer_norm",
          KeysOf(prefix + ".q_proj"),
          {prefix + ".k_proj.weight", ""},
          KeysOf(prefix + ".v_proj"),
          KeysOf(prefix + ".out_proj")};
}

MlpKeys MlpKeysOf(const std::string& layer) {
  return {layer + ".final_layer_norm", KeysOf(layer + ".fc1"), KeysOf(layer + ".fc2")};
}

// Two slots: slot 1 holds the tokens in the encoder and the encoder's states in the decoder.
HalfOptions BlocksOf(const WhisperConfig& config, const ModelSpec& spec) {
  HalfOptions options =
      MakeHalfOptions({config.dim, config.heads, 4 * config.dim, kNormEps, kInitStd}, spec);
  options.slots = 2;
  return options;
}

void AddEncoder(const WhisperConfig& config, const ModelSpec& spec,
                std::vector<std::unique_ptr<Stage>>& stages) {
  stages.push_back(std::make_unique<AudioEmbeddings>(config, spec));
  HalfOptions options = BlocksOf(config, spec);
  for (int64_t i = 0; i < config.encoder_layers; ++i) {
    options.drop_path = LayerDropPath(spec.drop_path.value_or(0.0), i, config.encoder_layers);
    const std::string layer = absl::StrCat("model.encoder.layers.", i);
    const std::string name = absl::StrCat("encoder.", i);
    stages.push_back(std::make_unique<SelfAttentionHalf>(name + ".attention", options,
                                                         AttentionKeysOf(layer, "self_attn")));
    stages.push_back(std::make_unique<MlpHalf>(name + ".mlp", options, MlpKeysOf(layer)));
  }
  stages.push_back(std::make_unique<FinalNorm>("encoder.norm", "model.encoder.layer_norm",
                                               config.dim, true, spec));
}

void AddDecoder(const WhisperConfig& config, const ModelSpec& spec,
                std::vector<std::unique_ptr<Stage>>& stages) {
  HalfOptions options = BlocksOf(config, spec);
  options.causal = true;
  for (int64_t i = 0; i < config.decoder_layers; ++i) {
    options.drop_path = LayerDropPath(spec.drop_path.value_or(0.0), i, config.decoder_layers);
    const std::string layer = absl::StrCat("model.decoder.layers.", i);
    const std::string name = absl::StrCat("decoder.", i);
    stages.push_back(std::make_unique<SelfAttentionHalf>(name + ".attention", options,
                                                         AttentionKeysOf(layer, "self_attn")));
    stages.push_back(std::make_unique<CrossAttentionHalf>(name + ".cross_attention", options,
                                                          AttentionKeysOf(layer, "encoder_attn")));
    stages.push_back(std::make_unique<MlpHalf>(name + ".mlp", options, MlpKeysOf(layer)));
  }
  stages.push_back(std::make_unique<FinalNorm>("decoder.norm", "model.decoder.layer_norm",
                                               config.dim, false, spec));
}

}  // namespace

WhisperConfig WhisperNano() {
  return {.dim = 128, .heads = 2, .encoder_layers = 2, .decoder_layers = 2};
}

WhisperConfig WhisperTiny() { return {}; }

WhisperConfig WhisperBase() {
  return {.dim = 512, .heads = 8, .encoder_layers = 6, .decoder_layers = 6};
}

WhisperConfig WhisperSmall() {
  return {.dim = 768, .heads = 12, .encoder_layers = 12, .decoder_layers = 12};
}

WhisperConfig WhisperMedium() {
  return {.dim = 1024, .heads = 16, .encoder_layers = 24, .decoder_layers = 24};
}

WhisperConfig WhisperLargeV2() {
  return {.dim = 1280, .heads = 20, .encoder_layers = 32, .decoder_layers = 32};
}

WhisperConfig WhisperLargeV3() {
  WhisperConfig config = WhisperLargeV2();
  config.mels = 128;
  config.vocabulary = 51866;
  return config;
}

WhisperConfig WhisperTurbo() {
  WhisperConfig config = WhisperLargeV3();
  config.decoder_layers = 4;
  return config;
}

at::Tensor AudioPositions(int64_t positions, int64_t dim) {
  const int64_t half = dim / 2;
  const double step = std::log(10000.0) / static_cast<double>(half - 1);
  const at::Tensor rates = at::arange(half, at::kFloat).mul_(-step).exp_();
  const at::Tensor angles = at::arange(positions, at::kFloat).unsqueeze(1).mul(rates);
  return at::cat({angles.sin(), angles.cos()}, 1);
}

WhisperStages MakeWhisperStages(const WhisperConfig& config, const ModelSpec& spec) {
  WhisperStages made;
  AddEncoder(config, spec, made.stages);
  auto embeddings = std::make_unique<TextEmbeddings>(config, spec);
  ProjectedCrossEntropyOptions options;
  options.label_smoothing = spec.label_smoothing;
  made.loss = std::make_unique<ProjectedCrossEntropy>(embeddings->embedding(), options);
  made.stages.push_back(std::move(embeddings));
  AddDecoder(config, spec, made.stages);
  return made;
}

}  // namespace slimreel
