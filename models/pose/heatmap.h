// Keypoints drawn as heatmaps: what a pose network reads.
//
// The numbers of mmaction2's GeneratePoseTarget (datasets/transforms/
// pose_transforms.py, with_kp, use_score), in float32. Pure; any thread; draws on
// ATen's threads.
#ifndef MODELS_POSE_HEATMAP_H_
#define MODELS_POSE_HEATMAP_H_

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace slimreel {

struct HeatmapShape {
  int64_t height = 0;
  int64_t width = 0;
  double sigma = 0.6;  // of the Gaussian, heatmap pixels
};

// keypoints [B, M, T, V, 3] float32 CPU: x, y in heatmap pixels, score ->
// [B, V, T, height, width] float32. Of each joint score * exp(-distance^2 / (2 sigma^2))
// within the patch int(mu - 3 sigma) .. int(mu + 3 sigma) of whole pixels (cut towards
// zero, so a joint left of the image may touch column 0), the greatest over persons.
// A score under 1e-4 draws nothing, nor does a joint that is no number.
at::Tensor DrawHeatmaps(const at::Tensor& keypoints, const HeatmapShape& shape);

}  // namespace slimreel

#endif  // MODELS_POSE_HEATMAP_H_
