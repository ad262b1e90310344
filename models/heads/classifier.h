// The head of transformers, and the options that all heads share. A head is the last
// stage of a chain: it turns features into logits.
//
// Threading and ownership: as every stage.
#ifndef MODELS_HEADS_CLASSIFIER_H_
#define MODELS_HEADS_CLASSIFIER_H_

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "memory/stage/stage.h"
#include "models/layers/dropout.h"
#include "models/layers/parameter_maker.h"

namespace slimreel {

struct ClassifierOptions {
  int64_t features = 0;
  int64_t num_classes = 0;
  double dropout = 0.0;  // on the pooled features; [0, 1)
  ParameterOptions parameters = {};
};

// {tokens [B, N, C]} -> {logits [B, K]}: mean over tokens, LayerNorm with eps 1e-5, dropout,
// linear. Keys fc_norm.*, classifier.*; weight normal(0, 0.02), bias zero, as in Hugging
// Face's VideoMAEForVideoClassification, which has no dropout here.
class TokenClassifier : public Stage {
 public:
  explicit TokenClassifier(const ClassifierOptions& options);
  Tensors Forward(const StageContext& context, Tensors in) override;

 private:
  Dropout dropout_;
  at::Tensor norm_weight_;  // [C]
  at::Tensor norm_bias_;    // [C]
  at::Tensor weight_;       // [K, C]
  at::Tensor bias_;         // [K]
};

}  // namespace slimreel

#endif  // MODELS_HEADS_CLASSIFIER_H_
