// Residual networks of inflated bottlenecks, with the structure and the keys of mmaction2's
// ResNet3d family: SlowOnly (Feichtenhofer et al. 2019), PoseC3D (Duan et al. 2022), and the two
// paths of RGBPoseConv3D.
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
  int64_t base_channels = 64;  // channels after the stem
  int64_t stem_stride = 2;     // of the 1x7x7 convolution, in space
  int64_t pool_stride = 2;     // of the 1x3x3 max-pooling, in space
  struct Layer {
    int64_t blocks;
    bool inflate;             // true: the first convolution of a block is 3x1x1, not 1x1x1
    int64_t spatial_stride;   // of the 1x3x3 convolution of the first block
    int64_t temporal_stride;  // of the same convolution
    int64_t lateral = 0;      // channels that the other stream adds to the layer's input
  };
  std::vector<Layer> layers;

  // Channels of the output of layer `l` (counted from 0): 4 base_channels 2^l.
  int64_t OutputChannels(size_t l) const { return 4 * base_channels << l; }
};

InflatedResNetConfig SlowOnlyR50();

// Prefixes of the names of one network's parameters and stages in its model.
struct NetworkNames {
  std::string keys;    // "backbone." or "backbone.rgb_path."
  std::string stages;  // "" or "rgb."
};

// Makes conv1. The next stage runs the pooling after it.
std::unique_ptr<Stage> MakeInflatedStem(const InflatedResNetConfig& config,
                                        const NetworkNames& names, ConvStream& stream,
                                        OtherSlots others = {});
// Makes the blocks of layer `l`, three stages each.
std::vector<std::unique_ptr<Stage>> MakeInflatedLayer(const InflatedResNetConfig& config, size_t l,
                                                      const NetworkNames& names, ConvStream& stream,
                                                      OtherSlots others = {});

// Dropout before the last linear map of mmaction2's I3DHead and RGBPoseHead.
inline constexpr double kInflatedHeadDropout = 0.5;

// Makes the stages of a network with one stream and mmaction2's I3DHead (`cls_head.fc_cls`).
// `head.parameters` are the options of all parameters.
// {clips or heatmaps [B, in_channels, T, H, W]} -> {logits [B, num_classes]}.
std::vector<std::unique_ptr<Stage>> MakeInflatedResNetStages(const InflatedResNetConfig& config,
                                                             const ClassifierOptions& head);

}  // namespace slimreel

#endif  // MODELS_RGB_INFLATED_RESNET_H_
