// Two-dimensional residual networks (He et al. 2016) over each frame, with
// torchvision's keys, and pooling of the frames' features over time.
//
// Callers: the factory.
#ifndef MODELS_RGB_FRAME_RESNET_H_
#define MODELS_RGB_FRAME_RESNET_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "memory/stage/stage.h"
#include "models/spec/model_spec.h"

namespace slimreel {

struct FrameResNetConfig {
  int64_t base_channels = 64;
  bool bottleneck = false;      // blocks of three convolutions, outputs 4 times as wide
  std::vector<int64_t> blocks;  // per layer
};

FrameResNetConfig ResNet18();
FrameResNetConfig ResNet50();

// Stages after the input stage: frames, conv1, layerN.M.convK, avgpool, fc. BatchNorm
// takes the frames of a normalisation group's clips together.
// {clips [B, 3, T, H, W] normalised} -> {logits [B, num_classes]}; T is spec.num_frames.
std::vector<std::unique_ptr<Stage>> MakeFrameResNetStages(const FrameResNetConfig& config,
                                                          const ModelSpec& spec);

}  // namespace slimreel

#endif  // MODELS_RGB_FRAME_RESNET_H_
