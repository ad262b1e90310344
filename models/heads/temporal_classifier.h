// The head of per-frame backbones: the features of the frames become one feature vector
// of the clip, then logits.
//
// Threading and ownership: as every stage.
#ifndef MODELS_HEADS_TEMPORAL_CLASSIFIER_H_
#define MODELS_HEADS_TEMPORAL_CLASSIFIER_H_

#include <ATen/core/Tensor.h>

#include <optional>

#include "configs/model_options.h"
#include "memory/stage/stage.h"
#include "models/heads/classifier.h"
#include "models/layers/dropout.h"
#include "models/layers/temporal_pooling.h"

namespace slimreel {

// {features [B, T, C]} -> {logits [B, K]}: pooling over T, dropout, linear.
// Keys fc.{weight, bias} as in torchvision's ResNet, with torch.nn.Linear's initialisation
// (uniform in +-1 / sqrt(features)); keys temporal.* for the pooling.
class TemporalClassifier : public Stage {
 public:
  TemporalClassifier(TemporalPooling pooling, const ClassifierOptions& options);
  Tensors Forward(const StageContext& context, Tensors in) override;

 private:
  std::optional<AttentionPooling> attention_;
  std::optional<LstmPooling> lstm_;
  Dropout dropout_;
  at::Tensor weight_;  // [K, pooled]
  at::Tensor bias_;    // [K]
};

}  // namespace slimreel

#endif  // MODELS_HEADS_TEMPORAL_CLASSIFIER_H_
