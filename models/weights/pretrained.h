// Weights that others trained (torchvision, Hugging Face, mmaction2, the authors of a network)
// or an earlier run left, put into a model: keys renamed, 2-D kernels inflated, RGB and pose
// merged, a head of other classes begun anew. Never two copies of the model. One thread.
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
  std::vector<std::string> notes;  // what was done beyond copying by name, a line each
};

// "A" or "A,B" (RGB and pose, in this order), each as WeightFiles::Open takes it.
absl::StatusOr<std::vector<WeightFiles>> OpenPretrained(const std::string& paths);

// Classes of the head that `files` give a model with these names; none where they have none,
// or one that `model` does not take (a 2-D ResNet's). InvalidArgument: the heads of RGB
// and pose differ.
absl::StatusOr<std::optional<int64_t>> ClassesOfPretrained(const Model& model,
                                                           const std::vector<WeightFiles>& files);

// Copies the files' tensors into the model's parameters and buffers, converting dtypes.
// Every tensor must be there with its shape and no other may be, but for what
// the rules let pass: key_rules.h, stream_merge.h (two files) and, in `report.notes`,
// a head of other classes. InvalidArgument names what does not fit, or two names of one tensor
// that differ, before anything is written; and tensors that hold NaN or infinity, which is seen
// while they are copied: the model is then of no use.
absl::StatusOr<PretrainedReport> LoadPretrained(const Model& model,
                                                const std::vector<WeightFiles>& files);

}  // namespace slimreel

#endif  // MODELS_WEIGHTS_PRETRAINED_H_
