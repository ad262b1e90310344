// The input stage of pose models: it turns keypoints into heatmaps.
// Threading and ownership: as every stage.
#ifndef MODELS_POSE_HEATMAP_INPUT_H_
#define MODELS_POSE_HEATMAP_INPUT_H_

#include <vector>

#include "memory/stage/stage.h"
#include "models/pose/heatmap.h"

namespace slimreel {

// {..., keypoints [B, M, T, V, 3]} -> {..., heatmaps [B, V, T, H, W] of dtype}. The slots before
// the keypoints are handed on. Ready heatmaps in place of keypoints are converted to dtype. The
// heatmaps are on the device of the keypoints. The stage has no parameters, so no gradient.
class HeatmapInput : public Stage {
 public:
  // `slots_before`: 0, or 1 if frames come first.
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
