#include "models/rgb/input_stage.h"

#include <ATen/ops/tensor.h>

namespace slimreel {

InputStage::InputStage(const std::array<float, 3>& mean, const std::array<float, 3>& std,
                       at::ScalarType dtype)
    : Stage("input"), dtype_(dtype) {
  std::array<double, 3> scale;
  std::array<double, 3> shift;
  for (int c = 0; c < 3; ++c) {
    scale[c] = 1.0 / (255.0 * std[c]);
    shift[c] = -static_cast<double>(mean[c]) / std[c];
  }
  scale_ = at::tensor(scale, at::kDouble).to(dtype).view({3, 1, 1, 1});
  shift_ = at::tensor(shift, at::kDouble).to(dtype).view({3, 1, 1, 1});
}

Tensors InputStage::Forward(const StageContext& /*context*/, Tensors in) {
  const at::Tensor& clips = in[0];
  TORCH_CHECK(clips.dim() == 5 && clips.size(1) == 3, "clips are [B, 3, T, H, W], not ",
              clips.sizes());
  if (clips.scalar_type() != at::kByte) return {clips.to(dtype_)};
  return {clips.to(dtype_).mul_(scale_.to(clips.device())).add_(shift_.to(clips.device()))};
}

}  // namespace slimreel
