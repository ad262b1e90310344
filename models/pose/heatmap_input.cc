#include "models/pose/heatmap_input.h"

namespace slimreel {

HeatmapInput::HeatmapInput(const HeatmapShape& shape, int slots_before, at::ScalarType dtype)
    : Stage("heatmaps"), shape_(shape), slots_before_(slots_before), dtype_(dtype) {}

Tensors HeatmapInput::Forward(const StageContext& /*context*/, Tensors in) {
  at::Tensor& pose = in[slots_before_];
  const at::Device device = pose.device();
  if (pose.size(-1) == 3) {
    pose = DrawHeatmaps(pose.to(at::kCPU, at::kFloat), shape_);
  } else {
    TORCH_CHECK(pose.dim() == 5 && pose.size(3) == shape_.height && pose.size(4) == shape_.width,
                "heatmaps must be [B, V, T, ", shape_.height, ", ", shape_.width, "], not ",
                pose.sizes());
  }
  pose = pose.to(device, dtype_);
  return in;
}

std::vector<int> HeatmapInput::handed_on() const {
  std::vector<int> from;
  for (int slot = 0; slot < slots_before_; ++slot) from.push_back(slot);
  from.push_back(-1);
  return from;
}

}  // namespace slimreel
