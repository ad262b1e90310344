#include "models/rgbpose/rgbpose_conv3d.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "models/heads/conv_classifier.h"
#include "models/pose/posec3d.h"
#include "models/rgbpose/cross_attention.h"
#include "models/rgbpose/laterals.h"
#include "models/spec/spec_options.h"

namespace slimreel {
namespace {

using Stages = std::vector<std::unique_ptr<Stage>>;

void Append(Stages& to, Stages from) {
  for (auto& stage : from) to.push_back(std::move(stage));
}

// Builds both networks.
class Fusion {
 public:
  Fusion(const RgbPoseConfig& config, const ModelSpec& spec)
      : config_(config),
        spec_(spec),
        options_(MakeParameterOptions(spec)),
        rgb_(options_, 1),
        pose_(options_, 1) {}

  Stages Make() {
    stages_.push_back(MakeInflatedStem(config_.rgb, kRgb, rgb_, AroundRgb()));
    for (size_t l : {0, 1}) RgbLayer(l);
    stages_.push_back(MakeInflatedStem(config_.pose, kPose, pose_, AroundPose()));
    PoseLayer(0);
    for (size_t point : {0, 1}) {
      ExchangeFeatures(point);
      RgbLayer(point + 2);
      PoseLayer(point + 1);
    }
    stages_.push_back(std::make_unique<ConvClassifier>(
        "cls_head",
        std::vector<ConvClassifier::Stream>{{"cls_head.fc_rgb", rgb_.TakeNorm()},
                                            {"cls_head.fc_pose", pose_.TakeNorm()}},
        MakeClassifierOptions(spec_, kInflatedHeadDropout)));
    return std::move(stages_);
  }

 private:
  OtherSlots AroundRgb() const { return {0, pose_.slots()}; }
  OtherSlots AroundPose() const { return {rgb_.slots(), 0}; }

  void RgbLayer(size_t l) {
    Append(stages_, MakeInflatedLayer(config_.rgb, l, kRgb, rgb_, AroundRgb()));
  }
  void PoseLayer(size_t l) {
    Append(stages_, MakeInflatedLayer(config_.pose, l, kPose, pose_, AroundPose()));
  }

  // Comes after RGB layer point + 2 and pose layer point + 1. Layers count from 1, as in the keys.
  void ExchangeFeatures(size_t point) {
    LateralsShape shape;
    shape.name = absl::StrCat("laterals", point + 1);
    shape.rgb = {rgb_.TakeNorm(2), absl::StrCat(kRgb.keys, "layer", point + 2, "_lateral"),
                 config_.rgb.layers[point + 2].lateral};
    shape.pose = {pose_.TakeNorm(2), absl::StrCat(kPose.keys, "layer", point + 1, "_lateral"),
                  config_.pose.layers[point + 1].lateral};
    shape.speed_ratio = kPoseFramesPerFrame;
    shape.drop_path = spec_.drop_path.value_or(0.0);
    stages_.push_back(std::make_unique<Laterals>(shape, options_));
    if (spec_.fusion != StreamFusion::kCrossAttention) return;
    const int64_t pose_channels = config_.pose.OutputChannels(point);
    stages_.push_back(std::make_unique<CrossAttention>(
        CrossAttentionShape{.name = absl::StrCat("cross_attention", point + 1),
                            .rgb_channels = config_.rgb.OutputChannels(point + 1),
                            .pose_channels = pose_channels,
                            .width = pose_channels,
                            .speed_ratio = kPoseFramesPerFrame},
        options_));
  }

  inline static const NetworkNames kRgb{"backbone.rgb_path.", "rgb."};
  inline static const NetworkNames kPose{"backbone.pose_path.", "pose."};
  const RgbPoseConfig& config_;
  const ModelSpec& spec_;
  ParameterOptions options_;
  ConvStream rgb_;
  ConvStream pose_;
  Stages stages_;
};

}  // namespace

RgbPoseConfig MakeRgbPoseConfig(int64_t num_keypoints, int64_t base,
                                std::vector<int64_t> rgb_blocks, std::vector<int64_t> pose_blocks) {
  RgbPoseConfig config{SlowOnlyR50(), PosePath(num_keypoints)};
  config.rgb.base_channels = base;
  config.pose.base_channels = base / 2;
  for (size_t l = 0; l < config.rgb.layers.size(); ++l) config.rgb.layers[l].blocks = rgb_blocks[l];
  for (size_t l = 0; l < config.pose.layers.size(); ++l) {
    config.pose.layers[l].blocks = pose_blocks[l];
  }
  // mmaction2: channel ratio 4, inflated by 16 into pose. So a lateral has a quarter of the
  // channels of the stream that it goes into.
  for (size_t point : {0, 1}) {
    config.rgb.layers[point + 2].lateral = config.rgb.OutputChannels(point + 1) / 4;
    config.pose.layers[point + 1].lateral = config.pose.OutputChannels(point) / 4;
  }
  return config;
}

RgbPoseConfig RgbPoseConv3d(int64_t num_keypoints) {
  return MakeRgbPoseConfig(num_keypoints, 64, {3, 4, 6, 3}, {4, 6, 3});
}

RgbPoseConfig RgbPoseConv3dNano(int64_t num_keypoints) {
  return MakeRgbPoseConfig(num_keypoints, 16, {1, 1, 1, 1}, {1, 1, 1});
}

Stages MakeRgbPoseStages(const RgbPoseConfig& config, const ModelSpec& spec) {
  return Fusion(config, spec).Make();
}

}  // namespace slimreel
