// Weight files under the model's own keys: safetensors in, safetensors out, straight
// between mapped pages and the tensors of a model. Never two copies of the model.
//
// Others' weights: pretrained.h. Threading: one thread at a time per set of tensors.
#ifndef MODELS_WEIGHTS_WEIGHTS_H_
#define MODELS_WEIGHTS_WEIGHTS_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "memory/stage/stage.h"

namespace slimreel {

struct LoadOptions {
  bool convert_type = true;  // else a tensor of another dtype is a mismatch
  // Tensors that one side alone has are left alone and reported, instead of being a mismatch.
  bool common_only = false;
};

struct LoadReport {
  int64_t loaded = 0;  // tensors
  // With common_only: names that the file lacks, and those that it has beyond what was asked for.
  std::vector<std::string> absent;
  std::vector<std::string> unused;
  // Tensors that hold NaN or infinity, a line each with their number. They are loaded.
  std::vector<std::string> not_finite;
  std::map<std::string, std::string> metadata;
};

// Copies the file's tensors into `tensors` in place (any device, any strides),
// converting the dtype on the way. `path`: as WeightFiles::Open. Missing, surplus and
// mismatched tensors are reported at once (InvalidArgument: the first ten of each kind and their
// counts) before anything is written. DataLoss: a malformed file; NotFound: no
// file. Errors name the path.
absl::StatusOr<LoadReport> LoadInto(const std::vector<NamedTensor>& tensors,
                                    const std::string& path, const LoadOptions& options = {});

// Publishes the tensors under `path`, whole or not at all; the bytes are a function
// of names, values and metadata. Tensors are streamed one by one; one that is not
// contiguous, or not on the CPU, is copied alone. ResourceExhausted: disk full.
absl::Status SaveWeights(const std::string& path, const std::vector<NamedTensor>& tensors,
                         const std::map<std::string, std::string>& metadata = {});

}  // namespace slimreel

#endif  // MODELS_WEIGHTS_WEIGHTS_H_
