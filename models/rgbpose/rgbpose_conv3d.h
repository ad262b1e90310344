// RGBPoseConv3D: an RGB and a pose network that exchange features early (Duan et al.
// 2022), with mmaction2's keys and both heads.
//
// Callers: the factory.
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

// Four RGB layers and three pose layers of half the base; laterals before RGB layers
// 3 and 4, pose layers 2 and 3.
struct RgbPoseConfig {
  InflatedResNetConfig rgb;
  InflatedResNetConfig pose;
};

RgbPoseConfig RgbPoseConv3d(int64_t num_keypoints);
RgbPoseConfig RgbPoseConv3dNano(int64_t num_keypoints);
// Any base and numbers of blocks, laterals as the channels ask for.
RgbPoseConfig MakeRgbPoseConfig(int64_t num_keypoints, int64_t base,
                                std::vector<int64_t> rgb_blocks, std::vector<int64_t> pose_blocks);

// Stages after the input stages. {clips [B, 3, T, H, W] normalised, heatmaps [B, V, 4 T,
// H / 4, W / 4]} -> {RGB logits [B, K], pose logits [B, K]}. Reads of spec: num_classes,
// dropout (the reference's: 0.5), drop_path (0; of laterals), fusion, seed, dtype, device.
std::vector<std::unique_ptr<Stage>> MakeRgbPoseStages(const RgbPoseConfig& config,
                                                      const ModelSpec& spec);

}  // namespace slimreel

#endif  // MODELS_RGBPOSE_RGBPOSE_CONV3D_H_
