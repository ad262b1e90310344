// The head of a convolutional network: last norm and ReLU, averages, logits.
//
// Threading and ownership: as every stage.
#ifndef MODELS_HEADS_CONV_CLASSIFIER_H_
#define MODELS_HEADS_CONV_CLASSIFIER_H_

#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

#include "memory/stage/stage.h"
#include "models/heads/classifier.h"
#include "models/layers/conv/norm_relu.h"
#include "models/layers/dropout.h"

namespace slimreel {

// For each stream {raw convolution output [B, C, T, H, W] (, shortcut)} -> {logits [B, K]}:
// norm, ReLU, mean over T, H, W, dropout, linear. The slots of the streams follow one
// another. Keys key.{weight, bias}: normal(0, 0.01) and zero, as in torchvision's VideoResNet
// (`fc`), mmaction2's I3DHead (`cls_head.fc_cls`) and RGBPoseHead (`cls_head.fc_rgb`,
// `cls_head.fc_pose`).
class ConvClassifier : public Stage {
 public:
  struct Stream {
    std::string key;
    NormReluShape norm;
  };
  // Ignores options.features: each stream's norm gives its channels.
  ConvClassifier(std::string name, const std::vector<Stream>& streams,
                 const ClassifierOptions& options);
  Tensors Forward(const StageContext& context, Tensors in) override;

 private:
  struct Branch {
    NormRelu norm;
    Dropout dropout;
    at::Tensor weight;  // [K, C]
    at::Tensor bias;    // [K]
  };
  std::vector<Branch> branches_;
};

}  // namespace slimreel

#endif  // MODELS_HEADS_CONV_CLASSIFIER_H_
