// Builders of the models that read keypoints, with or without frames.
#ifndef MODELS_FACTORY_POSE_MODELS_H_
#define MODELS_FACTORY_POSE_MODELS_H_

#include "models/spec/builder.h"

namespace slimreel {

// Inputs: {keypoints [B, M, T, V, 3]}. Stages: heatmaps, then those of the network.
ModelResult PoseC3dNanoModel(const ModelSpec& spec);
ModelResult PoseC3dModel(const ModelSpec& spec);
ModelResult PoseC3dPoseOnlyModel(const ModelSpec& spec);

// Inputs: {clips [B, 3, T, H, W], keypoints [B, M, 4 T, V, 3]}. Stages: heatmaps, input, then those
// of the network. Outputs: RGB logits and pose logits.
ModelResult RgbPoseConv3dNanoModel(const ModelSpec& spec);
ModelResult RgbPoseConv3dModel(const ModelSpec& spec);

}  // namespace slimreel

#endif  // MODELS_FACTORY_POSE_MODELS_H_
