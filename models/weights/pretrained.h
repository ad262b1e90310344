// Loads weights into a model that others trained (torchvision, Hugging Face, mmaction2, the
// authors of a network) or that an earlier run saved. Renames keys, inflates 2-D kernels, merges
// RGB and pose, and keeps the initial head if the file's head has other classes. Never holds two
// copies of the model.
//
// Threading: one thread.
#ifndef MODELS_WEIGHTS_PRETRAINED_H_
#define MODELS_WEIGHTS_PRETRAINED_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "models/chain/model.h"
#include "models/weights/weight_files.h"

namespace slimreel {

struct PretrainedReport {
  int64_t loaded = 0;              // tensors of the model that got values
  std::vector<std::string> notes;  // one line for each change beyond copying by name
};

// `paths`: "A" or "A,B" (RGB and pose, in this order), each as WeightFiles::Open takes it.
absl::StatusOr<std::vector<WeightFiles>> OpenPretrained(const std::string& paths);

// The number of classes of the head that `files` give this model. None if they have no head,
// or a head that the model does not take (a 2-D ResNet's). InvalidArgument if the heads of RGB
// and pose differ.
absl::StatusOr<std::optional<int64_t>> ClassesOfPretrained(const Model& model,
                                                           const std::vector<WeightFiles>& files);

// Copies the files' tensors into the model's parameters and buffers and converts dtypes. The
// files must hold every tensor with its shape and no others, except what these rules allow:
// key_rules.h, stream_merge.h (two files), and a head of other classes, which `notes` mentions.
// InvalidArgument, before anything is written: tensors that do not fit, or two names of one
// tensor with different values. InvalidArgument, found while copying: tensors with NaN or
// infinity; the model must then not be used. Messages name the tensors.
absl::StatusOr<PretrainedReport> LoadPretrained(const Model& model,
                                                const std::vector<WeightFiles>& files);

}  // namespace slimreel

#endif  // MODELS_WEIGHTS_PRETRAINED_H_
