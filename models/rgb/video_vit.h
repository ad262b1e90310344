// The video transformer of VideoMAE (Tong et al. 2022), as Hugging Face's
// VideoMAEForVideoClassification with its keys. Each half of a block is a stage.
//
// Callers: the factory.
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
  int64_t tubelet = 2;  // frames of a token
  int64_t patch = 16;   // pixels of a token, each way
};

VideoVitConfig VideoVitNano();
VideoVitConfig VideoVitTiny();
VideoVitConfig VideoVitSmall();  // VideoMAE-S
VideoVitConfig VideoVitBase();   // VideoMAE-B

// [1, tokens, dim] of `dtype`: sin at even, cos at odd places of
// position / 10000^(2 floor(i / 2) / dim), rounded to float32 as the reference does.
at::Tensor SinusoidPositions(int64_t tokens, int64_t dim, at::ScalarType dtype);

// Stages after the input stage: embeddings, layer.N.attention, layer.N.mlp, ..., classifier.
// {clips [B, 3, T, H, W] normalised} -> {logits [B, num_classes]}. The spec's
// frames and sizes are multiples of tubelet and patch.
std::vector<std::unique_ptr<Stage>> MakeVideoVitStages(const VideoVitConfig& config,
                                                       const ModelSpec& spec);

}  // namespace slimreel

#endif  // MODELS_RGB_VIDEO_VIT_H_
