// The input stage of pose models: keypoints become heatmaps.
//
// Callers: the factory. Threading and ownership: as every stage.
#ifndef MODELS_POSE_HEATMAP_INPUT_H_
#define MODELS_POSE_HEATMAP_INPUT_H_

#include <vector>

#include "memory/stage/stage.h"
#include "models/pose/heatmap.h"

namespace slimreel {

// {..., keypoints [B, M, T, V, 3]} -> {..., heatmaps [B, V, T, H, W] of dtype}: the slots
// before are handed on, heatmaps that come ready are converted. The heatmaps lie where
// the keypoints do. No parameters, so no gradient.
class HeatmapInput : public Stage {
 public:
  // `slots_before`: 0, or 1 where frames come first.
  HeatmapInput(const HeatmapShape& shape, int slots_before, at::ScalarType dtype);
  Tensors Forward(const StageContext& context, Tensors in) override;
  std::vector<int> handed_on() const override;

 private:
  HeatmapShape shape_;
  int slots_before_;
  at::ScalarType dtype_;
};

}  // namespace slimreel

#endif  // MODELS_POSE_HEATMAP_INPUT_H_
