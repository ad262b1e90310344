// Max-pooling that keeps one byte per output for backward. ATen's max-pooling keeps its
// input and an int64 index per output.
//
// Threading: any thread.
#ifndef MODELS_LAYERS_CONV_MAX_POOL_H_
#define MODELS_LAYERS_CONV_MAX_POOL_H_

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace slimreel {

// (H, W) or (T, H, W). Kernels are odd, padding is kernel / 2, and a window has at most 256
// places.
struct MaxPoolShape {
  std::vector<int64_t> kernel;
  std::vector<int64_t> stride;
};

struct MaxPooled {
  at::Tensor y;
  // The place in its window that each output came from: uint8, shape of y. Its meaning is
  // the device's own.
  at::Tensor choice;
};

// x [B, C, H, W] or [B, C, T, H, W], floating point -> y [B, C, outputs...]. The first of
// equal values counts, and NaN wins, as in torch.nn.MaxPool3d; the bits are the same.
// Records no graph.
MaxPooled MaxPoolForward(const MaxPoolShape& shape, const at::Tensor& x);

// The gradient of x, which has `sizes`. Overlapping windows add in the order of the outputs
// (on CUDA in any order, unless deterministic algorithms are on). Also takes ATen's int64
// indices as `choice`. Records no graph.
at::Tensor MaxPoolBackward(const MaxPoolShape& shape, at::IntArrayRef sizes, const at::Tensor& grad,
                           const at::Tensor& choice);

// ATen's int64 indices into the plane [B, C, outputs...] as uint8 places and back, for devices
// other than the CPU. `sizes` are those of x.
at::Tensor PlacesOf(const MaxPoolShape& shape, at::IntArrayRef sizes, at::Tensor indices);
at::Tensor IndicesOf(const MaxPoolShape& shape, at::IntArrayRef sizes, const at::Tensor& places);

}  // namespace slimreel

#endif  // MODELS_LAYERS_CONV_MAX_POOL_H_
