#include "models/factory/pose_models.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "models/losses/cross_entropy.h"
#include "models/losses/two_stream.h"
#include "models/pose/heatmap_input.h"
#include "models/pose/posec3d.h"
#include "models/rgb/input_stage.h"
#include "models/rgb/pixel_statistics.h"
#include "models/rgbpose/rgbpose_conv3d.h"
#include "models/spec/spec_options.h"

namespace slimreel {
namespace {

void Append(Stages network, Model* model) {
  for (std::unique_ptr<Stage>& stage : network) model->stages.push_back(std::move(stage));
}

std::unique_ptr<Model> EmptyModel(const ModelSpec& spec) {
  auto model = std::make_unique<Model>();
  model->name = spec.name;
  model->num_classes = spec.num_classes;
  model->clip = {spec.num_frames, spec.height, spec.width, kImageNetPixels.mean,
                 kImageNetPixels.std};
  return model;
}

absl::Status CheckPose(const ModelSpec& spec) {
  if (spec.num_persons >= 1 && spec.num_keypoints >= 1 && spec.heatmap_sigma > 0) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      absl::StrCat("model ", spec.name, " takes at least one person and joint and a positive ",
                   "data.heatmap.sigma, not ", spec.num_persons, ", ", spec.num_keypoints, " and ",
                   spec.heatmap_sigma));
}

ModelResult PoseModel(const InflatedResNetConfig& config, const ModelSpec& spec) {
  SLIMREEL_RETURN_IF_ERROR(CheckPose(spec));
  SLIMREEL_RETURN_IF_ERROR(RefuseDropPath(spec));
  const int64_t size = spec.heatmap_size.value_or(kHeatmapSize);
  if (size < 8) {
    return absl::InvalidArgumentError(absl::StrCat(
        "model ", spec.name, " takes heatmaps from 8x8 up, not ", size, " (data.heatmap.size)"));
  }
  auto model = EmptyModel(spec);
  model->inputs = {
      {InputKind::kKeypoints, {spec.num_persons, spec.num_frames, spec.num_keypoints, 3}}};
  model->stages.push_back(std::make_unique<HeatmapInput>(
      HeatmapShape{size, size, spec.heatmap_sigma}, /*slots_before=*/0, spec.dtype));
  Append(MakeInflatedResNetStages(config, MakeClassifierOptions(spec, kInflatedHeadDropout)),
         model.get());
  model->loss =
      std::make_unique<CrossEntropy>(spec.label_smoothing, spec.class_weights, spec.device);
  return model;
}

// The heatmaps must have a quarter of the image's sides, so that the streams meet at equal sizes.
absl::Status CheckSizes(const ModelSpec& spec) {
  const int64_t size = spec.heatmap_size.value_or(spec.height / kPixelsPerHeatmap);
  const bool quarters = spec.height % kPixelsPerHeatmap == 0 && spec.width % kPixelsPerHeatmap == 0;
  const bool equal = !spec.heatmap_size || (size * kPixelsPerHeatmap == spec.height &&
                                            size * kPixelsPerHeatmap == spec.width);
  if (quarters && equal) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("model ", spec.name, " takes images four times as large as heatmaps, not ",
                   spec.height, "x", spec.width, " (data.img_size) with ", size,
                   " (data.heatmap.size); an image of ", size * kPixelsPerHeatmap, " would fit"));
}

absl::Status CheckLossWeights(const ModelSpec& spec) {
  const auto [rgb, pose] = spec.loss_weights;
  if (rgb >= 0 && pose >= 0 && rgb + pose > 0) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("model.loss_weights are [rgb, pose], 0 or more ",
                                                 "and not both 0, not [", rgb, ", ", pose, "]"));
}

ModelResult RgbPoseModel(const RgbPoseConfig& config, const ModelSpec& spec) {
  SLIMREEL_RETURN_IF_ERROR(CheckPose(spec));
  SLIMREEL_RETURN_IF_ERROR(RequireMinImageSize(32, spec));
  SLIMREEL_RETURN_IF_ERROR(CheckSizes(spec));
  SLIMREEL_RETURN_IF_ERROR(CheckLossWeights(spec));
  auto model = EmptyModel(spec);
  model->inputs = {
      {InputKind::kFrames, {3, spec.num_frames, spec.height, spec.width}},
      {InputKind::kKeypoints,
       {spec.num_persons, kPoseFramesPerFrame * spec.num_frames, spec.num_keypoints, 3}}};
  model->stages.push_back(std::make_unique<HeatmapInput>(
      HeatmapShape{spec.height / kPixelsPerHeatmap, spec.width / kPixelsPerHeatmap,
                   spec.heatmap_sigma},
      /*slots_before=*/1, spec.dtype));
  model->stages.push_back(std::make_unique<InputStage>(kImageNetPixels.mean, kImageNetPixels.std,
                                                       MakeParameterOptions(spec),
                                                       /*slots_after=*/1));
  Append(MakeRgbPoseStages(config, spec), model.get());
  model->loss = std::make_unique<TwoStreamLoss>(spec.loss_weights, spec.label_smoothing,
                                                spec.class_weights, spec.device);
  return model;
}

}  // namespace

ModelResult PoseC3dNanoModel(const ModelSpec& spec) {
  return PoseModel(PoseC3dNano(spec.num_keypoints), spec);
}
ModelResult PoseC3dModel(const ModelSpec& spec) {
  return PoseModel(PoseC3d(spec.num_keypoints), spec);
}
ModelResult PoseC3dPoseOnlyModel(const ModelSpec& spec) {
  return PoseModel(PosePath(spec.num_keypoints), spec);
}

ModelResult RgbPoseConv3dNanoModel(const ModelSpec& spec) {
  return RgbPoseModel(RgbPoseConv3dNano(spec.num_keypoints), spec);
}
ModelResult RgbPoseConv3dModel(const ModelSpec& spec) {
  return RgbPoseModel(RgbPoseConv3d(spec.num_keypoints), spec);
}

}  // namespace slimreel
