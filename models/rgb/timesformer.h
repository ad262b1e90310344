// TimeSformer with divided space-time attention (Bertasius et al. 2021), with the structure and the
// keys of Hugging Face's TimesformerForVideoClassification. A block is three stages: temporal
// attention, spatial attention, MLP.
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
  int64_t patch = 16;  // a token covers patch x patch pixels
};

TimesformerConfig TimesformerBase();

// Makes the stages after the input stage: embeddings, layer.N.{temporal, spatial, mlp}, ...,
// classifier. {clips [B, 3, T, H, W] normalised} -> {logits [B, num_classes]}. The slot between
// stages is {tokens [B, 1 + P T, C]}: the CLS token, then the T frames of each of the P patches.
// The spec's height and width must be multiples of patch.
std::vector<std::unique_ptr<Stage>> MakeTimesformerStages(const TimesformerConfig& config,
                                                          const ModelSpec& spec);

}  // namespace slimreel

#endif  // MODELS_RGB_TIMESFORMER_H_
