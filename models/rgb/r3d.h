// R3D: residual networks of 3-D convolutions (Tran et al. 2018, "A Closer Look at
// Spatiotemporal Convolutions"), as torchvision's VideoResNet with Conv3DSimple,
// with its keys. Each half of a residual block is a stage.
//
// Callers: the factory.
#ifndef MODELS_RGB_R3D_H_
#define MODELS_RGB_R3D_H_

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "models/factory/model_spec.h"
#include "models/stage/stage.h"

namespace slimreel {

struct R3dConfig {
  std::array<int64_t, 3> stem_kernel{3, 7, 7};
  std::array<int64_t, 3> stem_stride{1, 2, 2};
  int64_t stem_width = 64;
  struct Layer {
    int64_t width;
    int64_t blocks;
    std::array<int64_t, 3> stride;  // of the first block
  };
  std::vector<Layer> layers;
};

R3dConfig R3dNano();
R3dConfig R3d18();  // torchvision's r3d_18

// Stages after the input stage: stem, layerN.M.conv1, layerN.M.conv2, ..., fc.
// {clips [B, 3, T, H, W] normalised} -> {logits [B, num_classes]}.
std::vector<std::unique_ptr<Stage>> MakeR3dStages(const R3dConfig& config, const ModelSpec& spec);

}  // namespace slimreel

#endif  // MODELS_RGB_R3D_H_
