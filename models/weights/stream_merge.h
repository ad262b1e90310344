// Weights of two one-stream networks put together into RGBPoseConv3D, as mmaction2's
// recipe does (configs/skeleton/posec3d/rgbpose_conv3d/merge_pretrain.ipynb):
// `backbone.` becomes `backbone.rgb_path.` or `backbone.pose_path.`, `fc_cls` becomes
// `fc_rgb` or `fc_pose`, the laterals' input channels start at zero, the laterals anew.
// Torch-free; pure functions over names.
//
// Who calls it: pretrained.cc.
#ifndef MODELS_WEIGHTS_STREAM_MERGE_H_
#define MODELS_WEIGHTS_STREAM_MERGE_H_

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "models/weights/safetensors_format.h"

namespace slimreel {

enum class Stream { kRgb, kPose };

// Does a model with these names have two streams?
bool HasTwoStreams(const std::set<std::string>& model);

// The names that the stream's own one-stream network has, without laterals.
std::set<std::string> NamesOfStream(const std::set<std::string>& model, Stream stream);

// From the one-stream network's name to the model's; others stay as they are.
std::string NameInStream(const std::string& name, Stream stream);

bool IsLateral(const std::string& name);

// The kernels whose input channels grow by a lateral's, and by how many: of the first block
// of a layer behind a lateral, conv1 and downsample. `model`: all tensors of it.
std::map<std::string, int64_t> LateralInputs(const std::vector<WeightEntry>& model);

}  // namespace slimreel

#endif  // MODELS_WEIGHTS_STREAM_MERGE_H_
