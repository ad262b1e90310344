// Convolutions whose kernel is one pixel wide (1x1, 1x1x1, and k x 1 x 1 over frames), stride
// one, as matrix products over a clip as it lies: [outputs, inputs] x [inputs, T * H * W],
// and for a kernel over frames one product per frame of it. oneDNN's convolutions first
// bring clip, output and gradients into blocks of channels and back, which takes longer
// than the products of narrow layers.
//
// Caller: convolution. Any thread. No graph is recorded where grad mode is off.
#ifndef MODELS_LAYERS_CONV_CONVOLUTION_PRODUCT_H_
#define MODELS_LAYERS_CONV_CONVOLUTION_PRODUCT_H_

#include <ATen/core/Tensor.h>

namespace slimreel {

// Whether the products below take `x` [B, inputs, (T,) H, W] and `weight` [outputs, inputs,
// (k,) 1, 1], k odd, and are worth it: float or double on the CPU, enough pixels.
bool ShouldUseProducts(const at::Tensor& x, const at::Tensor& weight);

// Whether ProductForward gives a convolution's bits: seen on CPUs with AVX2 and AVX-512 for
// kernels of one and up to 256 inputs, whose sum neither library cuts.
bool ProductIsBitIdentical(const at::Tensor& weight);

// The convolution of padding 0: k = 1.
at::Tensor ProductForward(const at::Tensor& x, const at::Tensor& weight);

// Gradients of the convolution with padding k / 2. `grad`: [B, outputs, (T,) H, W].
at::Tensor ProductGradientOfInput(const at::Tensor& grad, const at::Tensor& weight);
at::Tensor ProductGradientOfWeight(const at::Tensor& grad, const at::Tensor& x,
                                   const at::Tensor& weight);

}  // namespace slimreel

#endif  // MODELS_LAYERS_CONV_CONVOLUTION_PRODUCT_H_
