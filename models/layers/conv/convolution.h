// Convolution over frames (2-D) or clips (3-D). It has no bias, because the norm that
// follows has one.
//
// Threading: as the owning stage.
#ifndef MODELS_LAYERS_CONV_CONVOLUTION_H_
#define MODELS_LAYERS_CONV_CONVOLUTION_H_

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "models/layers/parameter_maker.h"

namespace slimreel {

struct ConvolutionShape {
  int64_t inputs = 0;
  int64_t outputs = 0;
  // Both are (H, W) or both (T, H, W). Padding is kernel / 2, so odd kernels give
  // ceil(size / stride).
  std::vector<int64_t> kernel;
  std::vector<int64_t> stride;
  // A transposed convolution gives stride * size (odd kernel, output padding stride - 1).
  bool transposed = false;
};

class Convolution {
 public:
  // Key prefix.weight: [outputs, inputs, kernel...], or [inputs, outputs, kernel...] if
  // transposed. Initialised by Kaiming's normal with fan-out, or by torch.nn's default if
  // transposed.
  Convolution(ParameterMaker& make, const std::string& prefix, const ConvolutionShape& shape);

  // [B, inputs, (T,) H, W] -> [B, outputs, (T',) H', W']. Keeps x for backward. The
  // convolution must outlive the graph.
  at::Tensor Forward(const at::Tensor& x) const;
  // The same with a weight that is already cast to x's dtype. Applies no autocast.
  at::Tensor Apply(const at::Tensor& x, const at::Tensor& weight) const;

  struct Gradients {
    at::Tensor x, weight;  // undefined if not needed
  };
  // Backward of Apply, for lean forms. Records no graph; has the bits of Forward's graph.
  Gradients Backward(const at::Tensor& grad, const at::Tensor& x, const at::Tensor& weight,
                     bool need_x, bool need_weight) const;

  const at::Tensor& weight() const { return weight_; }

 private:
  struct OwnBackward;

  // See convolution_product.h.
  bool UsesProduct(const at::Tensor& x) const;
  at::Tensor Convolve(const at::Tensor& x, const at::Tensor& weight) const;
  // See Note [Kernels of one subsample first]. Subsample: the elements of x that the kernel
  // reads, as a view.
  bool SubsamplesFirst() const;
  at::Tensor Subsample(const at::Tensor& x) const;
  // See Note [Short clips in bfloat16].
  bool NeedsFloat32(const at::Tensor& x) const;

  at::Tensor weight_;
  std::vector<int64_t> stride_;
  std::vector<int64_t> padding_;
  std::vector<int64_t> output_padding_;
  bool transposed_;
};

}  // namespace slimreel

#endif  // MODELS_LAYERS_CONV_CONVOLUTION_H_
