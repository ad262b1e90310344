// The video transformer of VideoMAE (Tong et al. 2022), with the structure and the keys of Hugging
// Face's VideoMAEForVideoClassification. A block is two stages: attention and MLP.
#ifndef MODELS_RGB_VIDEO_VIT_H_
#define MODELS_RGB_VIDEO_VIT_H_

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "memory/stage/stage.h"
#include "models/spec/model_spec.h"

namespace slimreel {

struct VideoVitConfig {
  int64_t dim = 384;
  int64_t heads = 6;
  int64_t layers = 12;
  int64_t mlp_dim = 1536;
  int64_t tubelet = 2;  // a token covers tubelet frames
  int64_t patch = 16;   // of patch x patch pixels
};

VideoVitConfig VideoVitNano();
VideoVitConfig VideoVitTiny();
VideoVitConfig VideoVitSmall();  // VideoMAE-S
VideoVitConfig VideoVitBase();   // VideoMAE-B

// The position table [1, tokens, dim] of `dtype`. Feature i is sin (even i) or cos (odd i) of
// position / 10000^(2 floor(i / 2) / dim), rounded to float32 as in the reference.
at::Tensor SinusoidPositions(int64_t tokens, int64_t dim, at::ScalarType dtype);

// Makes the stages after the input stage: embeddings, layer.N.attention, layer.N.mlp, ...,
// classifier. {clips [B, 3, T, H, W] normalised} -> {logits [B, num_classes]}. The spec's number
// of frames must be a multiple of tubelet, its height and width multiples of patch.
std::vector<std::unique_ptr<Stage>> MakeVideoVitStages(const VideoVitConfig& config,
                                                       const ModelSpec& spec);

}  // namespace slimreel

#endif  // MODELS_RGB_VIDEO_VIT_H_
