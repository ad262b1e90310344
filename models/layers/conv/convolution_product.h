// Convolutions of stride one whose kernel is one pixel wide (1x1, 1x1x1, and k x 1 x 1 over
// frames), as matrix products on the clip's own memory layout: [outputs, inputs] x
// [inputs, T * H * W]. A kernel over frames takes one product per frame of the kernel.
// oneDNN's convolutions first reorder clip, output and gradients into blocks of channels and
// back, which takes longer than the products of narrow layers.
//
// Threading: any thread. Records a graph only if grad mode is on.
#ifndef MODELS_LAYERS_CONV_CONVOLUTION_PRODUCT_H_
#define MODELS_LAYERS_CONV_CONVOLUTION_PRODUCT_H_

#include <ATen/core/Tensor.h>

namespace slimreel {

// Can the products below take `x` [B, inputs, (T,) H, W] and `weight` [outputs, inputs,
// (k,) 1, 1], k odd, and are they faster? True for float and double on the CPU with enough
// pixels.
bool ShouldUseProducts(const at::Tensor& x, const at::Tensor& weight);

// Does ProductForward give a convolution's bits? True for kernels of one and up to 256
// inputs: neither library splits their sum. Observed on CPUs with AVX2 and AVX-512.
bool ProductIsBitIdentical(const at::Tensor& weight);

// The convolution with padding 0, for k = 1.
at::Tensor ProductForward(const at::Tensor& x, const at::Tensor& weight);

// Gradients of the convolution with padding k / 2. `grad` is [B, outputs, (T,) H, W].
at::Tensor ProductGradientOfInput(const at::Tensor& grad, const at::Tensor& weight);
at::Tensor ProductGradientOfWeight(const at::Tensor& grad, const at::Tensor& x,
                                   const at::Tensor& weight);

}  // namespace slimreel

#endif  // MODELS_LAYERS_CONV_CONVOLUTION_PRODUCT_H_
