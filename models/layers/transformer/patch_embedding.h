// Cuts clips into patches (of one frame) or tubelets (of several frames) and maps each to
// a token. This is a convolution whose kernel equals its stride, done as one matrix
// product. oneDNN takes more than twice as long for it with three input channels, and
// gives channels first.
//
// Threading: any thread. Ownership: owns nothing.
#ifndef MODELS_LAYERS_TRANSFORMER_PATCH_EMBEDDING_H_
#define MODELS_LAYERS_TRANSFORMER_PATCH_EMBEDDING_H_

#include <ATen/core/Tensor.h>

#include <array>
#include <cstdint>

namespace slimreel {

using PatchSize = std::array<int64_t, 3>;  // frames, height, width of a patch

// clips [B, 3, T, H, W] -> [B N, 3 frames height width], a copy. Patches are in the order
// time, height, width; each has the layout of a convolution's kernel. The rest at the end
// of a dimension that does not fill a patch is left out.
at::Tensor CutPatches(const at::Tensor& clips, const PatchSize& size);

// clips [B, 3, T, H, W], weight [C, 3, frames, height, width] (or without `frames` if that
// is 1), bias [C] -> tokens [B, N, C], a new tensor that backward does not need, in
// autocast's dtype for products. Saves clips and weight; backward cuts the patches again.
at::Tensor EmbedPatches(const at::Tensor& clips, const at::Tensor& weight, const at::Tensor& bias,
                        const PatchSize& size);

}  // namespace slimreel

#endif  // MODELS_LAYERS_TRANSFORMER_PATCH_EMBEDDING_H_
