#include "models/layers/conv/convolution_product.h"

#include <ATen/ops/bmm.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <vector>

namespace slimreel {
namespace {

constexpr int64_t kMinPositions = 128;  // with fewer, oneDNN's blocks are faster
constexpr int64_t kMaxInputsInOneSum = 256;

// Frames of the kernel, frames of the clip, pixels of a frame.
int64_t KernelFrames(const at::Tensor& weight) { return weight.dim() == 5 ? weight.size(2) : 1; }
int64_t Frames(const at::Tensor& x) { return x.dim() == 5 ? x.size(2) : 1; }
int64_t Pixels(const at::Tensor& x) { return x.size(-1) * x.size(-2); }

// [B, C, ...] -> [B, C, T * H * W]
at::Tensor Rows(const at::Tensor& x) {
  return x.contiguous().view({x.size(0), x.size(1), Frames(x) * Pixels(x)});
}

// The kernel's frame `k` [outputs, inputs], a view if the memory layout allows one.
at::Tensor Tap(const at::Tensor& weight, int64_t k) {
  return weight.reshape({weight.size(0), weight.size(1), KernelFrames(weight)}).select(2, k);
}

std::vector<int64_t> SizesWithChannels(const at::Tensor& like, int64_t channels) {
  std::vector<int64_t> sizes = like.sizes().vec();
  sizes[1] = channels;
  return sizes;
}

// Tap `k` multiplies output columns [out, out + count) with input columns [in, in + count).
struct Overlap {
  int64_t out = 0, in = 0, count = 0;
};

Overlap OverlapOf(const at::Tensor& clip, int64_t kernel_frames, int64_t k) {
  const int64_t shift = k - kernel_frames / 2, pixels = Pixels(clip);
  return {std::max<int64_t>(-shift, 0) * pixels, std::max<int64_t>(shift, 0) * pixels,
          std::max<int64_t>(Frames(clip) - std::abs(shift), 0) * pixels};
}

}  // namespace

bool ShouldUseProducts(const at::Tensor& x, const at::Tensor& weight) {
  const bool type = x.scalar_type() == at::kFloat || x.scalar_type() == at::kDouble;
  return x.is_cpu() && type && weight.size(-1) == 1 && weight.size(-2) == 1 &&
         KernelFrames(weight) % 2 == 1 && Frames(x) * Pixels(x) >= kMinPositions;
}

bool ProductIsBitIdentical(const at::Tensor& weight) {
  return KernelFrames(weight) == 1 && weight.size(1) <= kMaxInputsInOneSum;
}

at::Tensor ProductForward(const at::Tensor& x, const at::Tensor& weight) {
  const at::Tensor tap = Tap(weight, 0);
  const at::Tensor out = at::bmm(tap.expand({x.size(0), tap.size(0), tap.size(1)}), Rows(x));
  return out.view(SizesWithChannels(x, weight.size(0)));
}

at::Tensor ProductGradientOfInput(const at::Tensor& grad, const at::Tensor& weight) {
  const int64_t taps = KernelFrames(weight);
  const at::Tensor grad_y = Rows(grad);
  const std::vector<int64_t> sizes = SizesWithChannels(grad, weight.size(1));
  if (taps == 1) {
    const at::Tensor tap = Tap(weight, 0).t();
    return at::bmm(tap.expand({grad.size(0), tap.size(0), tap.size(1)}), grad_y).view(sizes);
  }
  at::Tensor grad_x = at::empty(sizes, grad.options());
  at::Tensor rows = Rows(grad_x);
  // The middle tap reaches every frame, so it comes first and overwrites.
  std::vector<int64_t> order{taps / 2};
  for (int64_t k = 0; k < taps; ++k) {
    if (k != taps / 2) order.push_back(k);
  }
  for (const int64_t k : order) {
    const Overlap overlap = OverlapOf(grad, taps, k);
    if (overlap.count == 0) continue;
    const at::Tensor tap = Tap(weight, k).contiguous().t();
    for (int64_t b = 0; b < grad.size(0); ++b) {
      at::Tensor to = rows[b].narrow(1, overlap.in, overlap.count);
      to.addmm_(tap, grad_y[b].narrow(1, overlap.out, overlap.count), k == taps / 2 ? 0 : 1);
    }
  }
  return grad_x;
}

at::Tensor ProductGradientOfWeight(const at::Tensor& grad, const at::Tensor& x,
                                   const at::Tensor& weight) {
  const int64_t taps = KernelFrames(weight);
  const at::Tensor grad_y = Rows(grad), in = Rows(x);
  at::Tensor grad_taps = at::zeros({taps, weight.size(0), weight.size(1)}, weight.options());
  for (int64_t k = 0; k < taps; ++k) {
    const Overlap overlap = OverlapOf(grad, taps, k);
    if (overlap.count == 0) continue;
    at::Tensor grad_tap = grad_taps[k];
    for (int64_t b = 0; b < grad.size(0); ++b) {
      grad_tap.addmm_(grad_y[b].narrow(1, overlap.out, overlap.count),
                      in[b].narrow(1, overlap.in, overlap.count).t());
    }
  }
  return grad_taps.permute({1, 2, 0}).contiguous().view(weight.sizes());
}

}  // namespace slimreel
