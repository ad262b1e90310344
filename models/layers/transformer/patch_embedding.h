// Cuts clips into patches (of one frame) or tubelets (of several) and maps each to a
// token: a convolution whose kernel is its stride, as one matrix product. oneDNN takes
// more than twice as long for it with three input channels, and gives channels first.
//
// Callers: the embedding stages of video transformers. Any thread. Owns nothing.
#ifndef MODELS_LAYERS_TRANSFORMER_PATCH_EMBEDDING_H_
#define MODELS_LAYERS_TRANSFORMER_PATCH_EMBEDDING_H_

#include <ATen/core/Tensor.h>

#include <array>
#include <cstdint>

namespace slimreel {

using PatchSize = std::array<int64_t, 3>;  // frames, height, width of a patch

// clips [B, 3, T, H, W] -> [B N, 3 frames height width], a copy: patches in the order of
// time, height, width, each laid out as a convolution's kernel. What does not fill a
// patch at the end of a dimension is left out.
at::Tensor CutPatches(const at::Tensor& clips, const PatchSize& size);

// clips [B, 3, T, H, W], weight [C, 3, frames, height, width] (or without `frames` where that
// is 1), bias [C] -> tokens [B, N, C], fresh and not needed by backward; in autocast's
// dtype for products. Saves clips and weight; backward cuts the patches again.
at::Tensor EmbedPatches(const at::Tensor& clips, const at::Tensor& weight, const at::Tensor& bias,
                        const PatchSize& size);

}  // namespace slimreel

#endif  // MODELS_LAYERS_TRANSFORMER_PATCH_EMBEDDING_H_
