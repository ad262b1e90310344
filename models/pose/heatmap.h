// Draws keypoints as heatmaps, the input of a pose network.
//
// It computes the numbers of mmaction2's GeneratePoseTarget
// (datasets/transforms/pose_transforms.py, with_kp, use_score) in float32.
// Threading: a pure function for any thread; it draws on ATen's threads.
#ifndef MODELS_POSE_HEATMAP_H_
#define MODELS_POSE_HEATMAP_H_

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace slimreel {

struct HeatmapShape {
  int64_t height = 0;
  int64_t width = 0;
  double sigma = 0.6;  // of the Gaussian, in heatmap pixels
};

// keypoints [B, M, T, V, 3] float32 on the CPU (x and y in heatmap pixels, score) ->
// heatmaps [B, V, T, height, width] float32.
// A joint draws score * exp(-distance^2 / (2 sigma^2)) on the pixels int(mu - 3 sigma) to
// int(mu + 3 sigma) of both axes. int cuts towards zero, so a joint left of the image may touch
// column 0. If persons overlap, the greatest value counts. A joint with a score below 1e-4 or with
// NaN draws nothing.
at::Tensor DrawHeatmaps(const at::Tensor& keypoints, const HeatmapShape& shape);

}  // namespace slimreel

#endif  // MODELS_POSE_HEATMAP_H_
