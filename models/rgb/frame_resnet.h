// Two-dimensional residual networks (He et al. 2016) with torchvision's keys. They run over each
// frame and pool the frames' features over time.
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
  bool bottleneck = false;      // blocks of three convolutions with 4 times as many outputs
  std::vector<int64_t> blocks;  // number of blocks of each layer
};

FrameResNetConfig ResNet18();
FrameResNetConfig ResNet50();

// Makes the stages after the input stage: frames, conv1, layerN.M.convK, avgpool, fc.
// {clips [B, 3, T, H, W] normalised} -> {logits [B, num_classes]}; T is spec.num_frames.
// BatchNorm's statistics are over all frames of the clips of a normalisation group.
std::vector<std::unique_ptr<Stage>> MakeFrameResNetStages(const FrameResNetConfig& config,
                                                          const ModelSpec& spec);

}  // namespace slimreel

#endif  // MODELS_RGB_FRAME_RESNET_H_
