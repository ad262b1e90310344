// PoseC3D: a SlowOnly network over heatmaps of joints (Duan et al. 2022, "Revisiting
// Skeleton-based Action Recognition"), with mmaction2's keys. The pose stream of RGB+pose models
// has the same structure.
#ifndef MODELS_POSE_POSEC3D_H_
#define MODELS_POSE_POSEC3D_H_

#include <cstdint>

#include "models/rgb/inflated_resnet.h"

namespace slimreel {

// As in mmaction2's posec3d configurations: temporal strides (1, 1, 2).
InflatedResNetConfig PoseC3d(int64_t num_keypoints);
// As the pose path of RGBPoseConv3D and its pose_only configuration: no temporal stride.
InflatedResNetConfig PosePath(int64_t num_keypoints);
// A quarter of the channels and one block per layer, for demos and tests.
InflatedResNetConfig PoseC3dNano(int64_t num_keypoints);

}  // namespace slimreel

#endif  // MODELS_POSE_POSEC3D_H_
