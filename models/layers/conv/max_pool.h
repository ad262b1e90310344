// Max-pooling that keeps one byte per output for backward, where ATen's keeps its
// input and an int64 index.
//
// Callers: norm_relu (the stems of residual networks). Any thread.
#ifndef MODELS_LAYERS_CONV_MAX_POOL_H_
#define MODELS_LAYERS_CONV_MAX_POOL_H_

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace slimreel {

// (H, W) or (T, H, W); odd kernels, padded by half of them. At most 256 places in a window.
struct MaxPoolShape {
  std::vector<int64_t> kernel;
  std::vector<int64_t> stride;
};

struct MaxPooled {
  at::Tensor y;
  // Which place of its window each output came from, counted row by row: uint8, as y.
  // On other devices than the CPU ATen's int64 indices into the plane.
  at::Tensor choice;
};

// x [B, C, H, W] or [B, C, T, H, W], floating point -> y [B, C, outputs...]. Of equal
// values the first counts, and not-a-number wins, as in torch.nn.MaxPool3d: the
// same bits. No graph.
MaxPooled MaxPoolForward(const MaxPoolShape& shape, const at::Tensor& x);

// Gradient of x, of `sizes`; overlapping windows add in the order of the outputs (on CUDA in
// any order, unless deterministic algorithms are asked for). Takes either kind of
// `choice`. No graph.
at::Tensor MaxPoolBackward(const MaxPoolShape& shape, at::IntArrayRef sizes, const at::Tensor& grad,
                           const at::Tensor& choice);

}  // namespace slimreel

#endif  // MODELS_LAYERS_CONV_MAX_POOL_H_
