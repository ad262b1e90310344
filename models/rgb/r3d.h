// Video ResNets of 3-D convolutions (Tran et al. 2018, "A Closer Look at Spatiotemporal
// Convolutions"): R3D, mixed MC3 and factorised R(2+1)D, with the structure and the keys of
// torchvision's VideoResNet. Each convolution is a stage.
#ifndef MODELS_RGB_R3D_H_
#define MODELS_RGB_R3D_H_

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "memory/stage/stage.h"
#include "models/spec/model_spec.h"

namespace slimreel {

// The convolutions of torchvision's Conv3DSimple, Conv3DNoTemporal and Conv2Plus1D.
enum class VideoConv {
  kCube,       // 3x3x3
  kFlat,       // 1x3x3, no stride in time
  kFactorised  // 1x3x3, norm, ReLU, 3x1x1
};

struct R3dConfig {
  std::array<int64_t, 3> stem_kernel{3, 7, 7};
  std::array<int64_t, 3> stem_stride{1, 2, 2};
  int64_t stem_width = 64;
  // Channels between the two convolutions of a factorised stem (1 x H x W, then T x 1 x 1).
  // 0: the stem is one convolution.
  int64_t stem_middle = 0;
  struct Layer {
    int64_t width;
    int64_t blocks;
    int64_t stride;  // of the first block, in each dimension that the convolution covers
    VideoConv conv = VideoConv::kCube;
  };
  std::vector<Layer> layers;
};

R3dConfig R3dNano();
R3dConfig R3d18();        // torchvision's r3d_18
R3dConfig Mc3R18();       // mc3_18
R3dConfig R2Plus1dR18();  // r2plus1d_18

// Makes the stages after the input stage: stem, layerN.M.conv1, layerN.M.conv2, ..., fc. A
// factorised convolution is two stages (stem.spatial, stem; layerN.M.conv1.spatial, ...).
// {clips [B, 3, T, H, W] normalised} -> {logits [B, num_classes]}.
std::vector<std::unique_ptr<Stage>> MakeR3dStages(const R3dConfig& config, const ModelSpec& spec);

}  // namespace slimreel

#endif  // MODELS_RGB_R3D_H_
