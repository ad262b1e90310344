// The example model of docs/models.md: a convolution over the differences of neighbouring frames,
// and a linear head. It is small and fast, and it sees only motion.
#ifndef DOCS_EXAMPLES_MOTION_NET_H_
#define DOCS_EXAMPLES_MOTION_NET_H_

#include <ATen/ops/conv3d.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/sub.h>

#include <memory>
#include <utility>

#include "base/status_macros.h"
#include "models/layers/dropout.h"
#include "models/layers/linear.h"
#include "models/layers/parameter_maker.h"
#include "models/rgb/frames_model.h"
#include "models/spec/spec_options.h"

namespace slimreel {

// {clips [B, 3, T, H, W]} -> {features [B, 16, T - 1, H / 4, W / 4]}
class DifferenceConv : public Stage {
 public:
  explicit DifferenceConv(const ModelSpec& spec) : Stage("stem") {
    ParameterMaker make(MakeParameterOptions(spec), &state_);
    weight_ = make.KaimingNormalFanOut("stem.weight", {16, 3, 3, 5, 5});
  }

  Tensors Forward(const StageContext& /*context*/, Tensors in) override {
    const at::Tensor& clips = in[0];
    const int64_t pairs = clips.size(2) - 1;
    const at::Tensor differences = at::sub(clips.narrow(2, 1, pairs), clips.narrow(2, 0, pairs));
    return {at::relu(at::conv3d(differences, weight_, /*bias=*/{}, /*stride=*/{1, 4, 4},
                                /*padding=*/{1, 2, 2}))};
  }

 private:
  at::Tensor weight_;
};

// {features [B, 16, T, H, W]} -> {logits [B, K]}
class MeanHead : public Stage {
 public:
  explicit MeanHead(const ModelSpec& spec)
      : Stage("head"), dropout_("head", spec.dropout.value_or(0.0)) {
    ParameterMaker make(MakeParameterOptions(spec), &state_);
    weight_ = make.Normal("fc.weight", {spec.num_classes, 16}, 0.1);
    bias_ = make.Constant("fc.bias", {spec.num_classes}, 0.0);
  }

  Tensors Forward(const StageContext& context, Tensors in) override {
    const at::Tensor pooled = dropout_.Forward(context, in[0].mean({2, 3, 4}));
    return {LinearRows(pooled, weight_, bias_)};
  }

 private:
  Dropout dropout_;
  at::Tensor weight_;
  at::Tensor bias_;
};

inline ModelResult MotionNetModel(const ModelSpec& spec) {
  SLIMREEL_RETURN_IF_ERROR(RefuseDropPath(spec));
  if (spec.num_frames < 2) {
    return absl::InvalidArgumentError("motion_net takes 2 frames or more (data.num_frames)");
  }
  Stages stages;
  stages.push_back(std::make_unique<DifferenceConv>(spec));
  stages.push_back(std::make_unique<MeanHead>(spec));
  return MakeFramesModel(spec, kKineticsPixels, std::move(stages));
}

}  // namespace slimreel

#endif  // DOCS_EXAMPLES_MOTION_NET_H_
