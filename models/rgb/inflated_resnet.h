// Residual networks of inflated bottlenecks, as mmaction2's ResNet3d family builds
// them, with its keys: SlowOnly (Feichtenhofer et al. 2019), PoseC3D (Duan et al.
// 2022), and the two paths of RGBPoseConv3D.
//
// Callers: the builders of RGB, pose and two-stream models.
#ifndef MODELS_RGB_INFLATED_RESNET_H_
#define MODELS_RGB_INFLATED_RESNET_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "models/heads/classifier.h"
#include "models/layers/conv/conv_stages.h"

namespace slimreel {

struct InflatedResNetConfig {
  int64_t in_channels = 3;
  int64_t base_channels = 64;  // channels after the stem; a layer's outputs are 4 base 2^layer
  int64_t stem_stride = 2;     // of the 1x7x7 convolution, in space
  int64_t pool_stride = 2;     // of the 1x3x3 max-pooling, in space
  struct Layer {
    int64_t blocks;
    bool inflate;             // the first 1x1x1 convolution of a block is 3x1x1
    int64_t spatial_stride;   // of the first block, on its 1x3x3 convolution
    int64_t temporal_stride;  // likewise
    int64_t lateral = 0;      // channels that another stream adds to the layer's input
  };
  std::vector<Layer> layers;

  // Channels of layer `l`'s output, l counted from 0.
  int64_t OutputChannels(size_t l) const { return 4 * base_channels << l; }
};

InflatedResNetConfig SlowOnlyR50();

// Where the parameters and stages of one network stand in their model.
struct NetworkNames {
  std::string keys;    // "backbone." or "backbone.rgb_path."
  std::string stages;  // "" or "rgb."
};

// conv1 and the pooling behind it.
std::unique_ptr<Stage> InflatedStem(const InflatedResNetConfig& config, const NetworkNames& names,
                                    ConvStream& stream, OtherSlots others = {});
// The blocks of layer `l`, three stages each.
std::vector<std::unique_ptr<Stage>> InflatedLayer(const InflatedResNetConfig& config, size_t l,
                                                  const NetworkNames& names, ConvStream& stream,
                                                  OtherSlots others = {});

// Before the last map of mmaction2's I3DHead and RGBPoseHead.
inline constexpr double kInflatedHeadDropout = 0.5;

// A network alone, with mmaction2's I3DHead (`cls_head.fc_cls`); the head's `parameters` are
// the options of all. {clips or heatmaps [B, inputs, T, H, W]} -> {logits [B,
// num_classes]}.
std::vector<std::unique_ptr<Stage>> MakeInflatedResNetStages(const InflatedResNetConfig& config,
                                                             const ClassifierOptions& head);

}  // namespace slimreel

#endif  // MODELS_RGB_INFLATED_RESNET_H_
