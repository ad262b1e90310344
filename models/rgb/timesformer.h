// TimeSformer with divided space-time attention (Bertasius et al. 2021), as Hugging
// Face's TimesformerForVideoClassification with its keys. A block is three stages:
// temporal attention, spatial attention, MLP.
//
// Callers: the factory.
#ifndef MODELS_RGB_TIMESFORMER_H_
#define MODELS_RGB_TIMESFORMER_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "memory/stage/stage.h"
#include "models/spec/model_spec.h"

namespace slimreel {

struct TimesformerConfig {
  int64_t dim = 768;
  int64_t heads = 12;
  int64_t layers = 12;
  int64_t mlp_dim = 3072;
  int64_t patch = 16;  // pixels of a token, each way
};

TimesformerConfig TimesformerBase();

// Stages after the input stage: embeddings, layer.N.{temporal, spatial, mlp}, ..., classifier.
// {clips [B, 3, T, H, W] normalised} -> {logits [B, num_classes]}. Between them {tokens
// [B, 1 + P T, C]}: the CLS token, then the T frames of each of the P patches. The
// spec's sizes are multiples of patch.
std::vector<std::unique_ptr<Stage>> MakeTimesformerStages(const TimesformerConfig& config,
                                                          const ModelSpec& spec);

}  // namespace slimreel

#endif  // MODELS_RGB_TIMESFORMER_H_
