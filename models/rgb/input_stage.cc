#include "models/rgb/input_stage.h"

#include <ATen/ops/tensor.h>

#include <string>

namespace slimreel {

InputStage::InputStage(const std::array<float, 3>& mean, const std::array<float, 3>& std,
                       const ParameterOptions& options, int slots_after)
    : Stage("input"), dtype_(options.dtype), slots_after_(slots_after) {
  std::array<double, 3> scale;
  std::array<double, 3> shift;
  for (int c = 0; c < 3; ++c) {
    scale[c] = 1.0 / (255.0 * std[c]);
    shift[c] = -static_cast<double>(mean[c]) / std[c];
  }
  ParameterMaker make(options, &state_);
  const auto table = [&](const std::string& name, const std::array<double, 3>& values) {
    return make.Table(name, at::tensor(values, at::kDouble).to(dtype_).view({3, 1, 1, 1}));
  };
  scale_ = table("scale", scale);
  shift_ = table("shift", shift);
}

Tensors InputStage::Forward(const StageContext& /*context*/, Tensors in) {
  const at::Tensor clips = in[0];
  TORCH_CHECK(clips.dim() == 5 && clips.size(1) == 3, "clips are [B, 3, T, H, W], not ",
              clips.sizes());
  in[0] = clips.to(dtype_);
  if (clips.scalar_type() == at::kByte) {
    in[0].mul_(scale_).add_(shift_);
  }
  return in;
}

std::vector<int> InputStage::handed_on() const {
  std::vector<int> from{-1};
  for (int slot = 1; slot <= slots_after_; ++slot) from.push_back(slot);
  return from;
}

}  // namespace slimreel
