#include "models/layers/conv/conv_stages.h"

#include <ATen/ops/cat.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "models/layers/conv/norm_relu_conv.h"
#include "models/layers/parameter_maker.h"

namespace slimreel {
namespace {

struct ConvStageShape {
  std::string name;
  std::optional<NormReluShape> norm;  // none: the stage reads activations
  int num_activations = 0;            // without norm: concatenated over channels
  std::vector<ConvNormShape> convs;   // their own norms belong to the next stage
  bool give_activation = false;
  int carried = 0;  // own slots after those that it reads, handed on
  OtherSlots others;
};

std::string Signature(const ConvStageShape& shape) {
  std::string text = "conv";
  if (!shape.norm) absl::StrAppend(&text, " of ", shape.num_activations, " activations");
  if (shape.norm) {
    absl::StrAppend(&text, shape.norm->shortcut_norm ? " norm+norm" : " norm",
                    shape.norm->identity_shortcut ? "+identity" : "");
    if (shape.norm->pool) {
      absl::StrAppend(&text, " pool ", absl::StrJoin(shape.norm->pool->stride, "x"));
    }
  }
  for (const ConvNormShape& conv : shape.convs) {
    absl::StrAppend(&text, ", ", conv.shape.inputs, "->", conv.shape.outputs, " kernel ",
                    absl::StrJoin(conv.shape.kernel, "x"), " stride ",
                    absl::StrJoin(conv.shape.stride, "x"));
  }
  return absl::StrCat(text, shape.give_activation ? " and activation" : "", ", carries ",
                      shape.carried + shape.others.before + shape.others.after);
}

// {before..., own..., carried..., after...} -> {before..., raw outputs...,
// (activation,) carried..., after...}
class ConvStage : public Stage {
 public:
  ConvStage(const ConvStageShape& shape, const ParameterOptions& options)
      : Stage(shape.name),
        signature_(Signature(shape)),
        give_activation_(shape.give_activation),
        begin_(shape.others.before),
        num_read_(shape.num_activations),
        num_carried_(shape.carried + shape.others.after) {
    ParameterMaker make(options, &state_);
    if (shape.norm) {
      norm_.emplace(make, *shape.norm);
      num_read_ = static_cast<int>(norm_->num_inputs());
    }
    for (const ConvNormShape& conv : shape.convs) convs_.emplace_back(make, conv.conv, conv.shape);
  }

  Tensors Forward(const StageContext& context, Tensors in) override {
    const auto own = in.begin() + begin_;
    Tensors made = Convolve(context, Tensors(own, own + num_read_));
    Tensors out(in.begin(), own);
    out.insert(out.end(), made.begin(), made.end());
    out.insert(out.end(), own + num_read_, in.end());
    return out;
  }

  std::vector<int> handed_on() const override {
    std::vector<int> from;
    for (int i = 0; i < begin_; ++i) from.push_back(i);
    const bool activation_read = give_activation_ && !norm_;
    for (size_t i = 0; i < convs_.size(); ++i) from.push_back(-1);
    if (give_activation_) from.push_back(activation_read ? begin_ : -1);
    for (int i = 0; i < num_carried_; ++i) from.push_back(begin_ + num_read_ + i);
    return from;
  }
  bool has_lean() const override { return norm_ && norm_->can_rebuild(); }
  std::string signature() const override { return signature_; }

 private:
  Tensors Convolve(const StageContext& context, const Tensors& read) {
    std::vector<const Convolution*> convs;
    for (const Convolution& conv : convs_) convs.push_back(&conv);
    if (norm_) return NormReluConv(*norm_, convs, give_activation_, context, read);
    const at::Tensor x = read.size() == 1 ? read[0] : at::cat(read, 1);
    Tensors out;
    for (const Convolution* conv : convs) out.push_back(conv->Forward(x));
    if (give_activation_) out.push_back(x);
    return out;
  }

  std::string signature_;
  bool give_activation_;
  int begin_;
  int num_read_;
  int num_carried_;
  std::optional<NormRelu> norm_;
  std::vector<Convolution> convs_;
};

NormShape NormOf(const ConvNormShape& conv) { return {conv.norm, conv.shape.outputs, conv.gamma}; }

}  // namespace

int ConvStream::slots() const {
  if (!pending_norm_) return num_activations_;
  return 1 + (pending_norm_->shortcut_norm || pending_norm_->identity_shortcut);
}

std::unique_ptr<Stage> ConvStream::Conv(const ConvNormShape& conv, OtherSlots others) {
  ConvStageShape shape;
  shape.name = conv.stage;
  shape.norm = std::exchange(
      pending_norm_, NormReluShape{.norm = NormOf(conv), .items_per_sample = items_per_sample_});
  shape.num_activations = num_activations_;
  shape.convs = {conv};
  shape.others = others;
  return std::make_unique<ConvStage>(shape, options_);
}

void ConvStream::PoolNext(const MaxPoolShape& pool) {
  TORCH_CHECK(pending_norm_,
              "PoolNext needs a norm whose output it pools; the stream holds activations");
  pending_norm_->pool = pool;
}

std::vector<std::unique_ptr<Stage>> ConvStream::Block(const ResidualBlockShape& block,
                                                      OtherSlots others) {
  std::vector<std::unique_ptr<Stage>> stages;
  for (size_t c = 0; c < block.convs.size(); ++c) {
    ConvStageShape shape;
    shape.name = block.convs[c].stage;
    shape.norm = std::exchange(pending_norm_, NormReluShape{.norm = NormOf(block.convs[c]),
                                                            .items_per_sample = items_per_sample_});
    shape.num_activations = num_activations_;
    shape.convs = {block.convs[c]};
    shape.others = others;
    if (c > 0) shape.carried = 1;
    if (c == 0 && block.shortcut) shape.convs.push_back(*block.shortcut);
    if (c == 0 && !block.shortcut) shape.give_activation = true;
    stages.push_back(std::make_unique<ConvStage>(shape, options_));
  }
  if (block.shortcut) pending_norm_->shortcut_norm = NormOf(*block.shortcut);
  pending_norm_->identity_shortcut = !block.shortcut;
  return stages;
}

NormReluShape ConvStream::TakeNorm(int num_activations) {
  TORCH_CHECK(pending_norm_, "TakeNorm needs a raw output; the stream holds activations");
  num_activations_ = num_activations;
  NormReluShape norm = *std::move(pending_norm_);
  pending_norm_.reset();
  return norm;
}

}  // namespace slimreel
