// Convolution over frames (2-D) or clips (3-D) without bias: what follows has one.
//
// Callers: the stages of convolutional networks. Threading: as the owning stage.
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
  // (H, W) or (T, H, W), all of one length; padding is kernel / 2, so that odd
  // kernels give ceil(size / stride).
  std::vector<int64_t> kernel;
  std::vector<int64_t> stride;
  // A transposed convolution that gives stride * size (kernel odd, output padding stride - 1).
  bool transposed = false;
};

class Convolution {
 public:
  // Key prefix.weight: [outputs, inputs, kernel...], transposed [inputs, outputs,
  // kernel...]; initialised by Kaiming's normal, fan-out, transposed by torch.nn's default.
  Convolution(ParameterMaker& make, const std::string& prefix, const ConvolutionShape& shape);

  // [B, inputs, (T,) H, W] -> [B, outputs, (T',) H', W']; x is kept for backward. The
  // convolution must outlive the graph.
  at::Tensor Forward(const at::Tensor& x) const;
  // The same with the weight as autocast wants it, in x's dtype; no autocast of its own.
  at::Tensor Apply(const at::Tensor& x, const at::Tensor& weight) const;

  struct Gradients {
    at::Tensor x, weight;  // undefined where not needed
  };
  // Backward of Apply without a graph, for lean forms: the bits of Forward's graph.
  Gradients Backward(const at::Tensor& grad, const at::Tensor& x, const at::Tensor& weight,
                     bool need_x, bool need_weight) const;

  const at::Tensor& weight() const { return weight_; }

 private:
  struct OwnBackward;

  // See convolution_product.h.
  bool UsesProduct(const at::Tensor& x) const;
  at::Tensor Convolve(const at::Tensor& x, const at::Tensor& weight) const;
  // See Note [Kernels of one subsample first]. Read: what of x the kernel meets, a view.
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
