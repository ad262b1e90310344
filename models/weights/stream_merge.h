// Merges the weights of two one-stream networks into RGBPoseConv3D, as mmaction2's recipe
// does (configs/skeleton/posec3d/rgbpose_conv3d/merge_pretrain.ipynb). `backbone.` becomes
// `backbone.rgb_path.` or `backbone.pose_path.`, and `fc_cls` becomes `fc_rgb` or `fc_pose`.
// Input channels that read laterals start at zero, and laterals keep their initial values.
// Does not use torch.
//
// Threading: pure functions over names, any thread.
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

// The names that the one-stream network of this stream has, without laterals.
std::set<std::string> NamesOfStream(const std::set<std::string>& model, Stream stream);

// The model's name for a name of the one-stream network. Other names are unchanged.
std::string NameInStream(const std::string& name, Stream stream);

bool IsLateral(const std::string& name);

// The kernels that read a lateral, and how many input channels it adds: conv1 and downsample of
// the first block of the layer after a lateral. `model`: all tensors of the model.
std::map<std::string, int64_t> LateralInputs(const std::vector<WeightEntry>& model);

}  // namespace slimreel

#endif  // MODELS_WEIGHTS_STREAM_MERGE_H_
