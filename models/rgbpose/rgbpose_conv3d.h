// RGBPoseConv3D: an RGB and a pose network that exchange features early (Duan et al. 2022), with
// mmaction2's keys and both heads.
#ifndef MODELS_RGBPOSE_RGBPOSE_CONV3D_H_
#define MODELS_RGBPOSE_RGBPOSE_CONV3D_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "memory/stage/stage.h"
#include "models/rgb/inflated_resnet.h"
#include "models/spec/model_spec.h"

namespace slimreel {

inline constexpr int64_t kPoseFramesPerFrame = 4;  // mmaction2's speed ratio

// Four RGB layers, and three pose layers with half as many base channels. Laterals come before the
// RGB layers 3 and 4 and before the pose layers 2 and 3.
struct RgbPoseConfig {
  InflatedResNetConfig rgb;
  InflatedResNetConfig pose;
};

RgbPoseConfig RgbPoseConv3d(int64_t num_keypoints);
RgbPoseConfig RgbPoseConv3dNano(int64_t num_keypoints);
// The same structure with `base` channels in RGB and these numbers of blocks per layer. The widths
// of the laterals follow from the channels.
RgbPoseConfig MakeRgbPoseConfig(int64_t num_keypoints, int64_t base,
                                std::vector<int64_t> rgb_blocks, std::vector<int64_t> pose_blocks);

// Makes the stages after the input stages. {clips [B, 3, T, H, W] normalised, heatmaps [B, V, 4 T,
// H / 4, W / 4]} -> {RGB logits [B, K], pose logits [B, K]}. It reads num_classes, dropout (unset:
// the reference's 0.5), drop_path (of the laterals; unset: 0), fusion, seed, dtype and device of
// the spec.
std::vector<std::unique_ptr<Stage>> MakeRgbPoseStages(const RgbPoseConfig& config,
                                                      const ModelSpec& spec);

}  // namespace slimreel

#endif  // MODELS_RGBPOSE_RGBPOSE_CONV3D_H_
