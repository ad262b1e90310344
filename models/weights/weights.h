// Weight files: safetensors in, safetensors out, straight between mapped pages
// and the tensors of a model. Never two copies of the model.
//
// Who calls it: models (import), trainer/checkpoint, evaluate, predict.
// Threading: one thread at a time per set of tensors.
#ifndef MODELS_WEIGHTS_WEIGHTS_H_
#define MODELS_WEIGHTS_WEIGHTS_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "models/stage/stage.h"

namespace slimreel {

struct LoadOptions {
  // Names of tensors that may be absent from the file or have another shape there
  // (a new head): these tensors keep their values. By prefix.
  std::vector<std::string> optional_prefixes;
  bool allow_surplus = false;  // the file may hold tensors that the model has not
  bool convert_type = true;    // else a tensor of another dtype is a mismatch
};

struct LoadReport {
  int64_t loaded = 0;                   // tensors
  std::vector<std::string> not_loaded;  // optional ones that were absent or of another shape
  std::vector<std::string> surplus;     // in the file only
  std::map<std::string, std::string> metadata;
};

// Copies the file's tensors into `tensors` in place (any device, any strides),
// converting the dtype on the way. All missing, surplus and mismatched tensors are
// reported at once (InvalidArgument) before anything is written. DataLoss: a
// malformed file; NotFound: no file. Errors name the path.
absl::StatusOr<LoadReport> LoadInto(const std::vector<NamedTensor>& tensors,
                                    const std::string& path, const LoadOptions& options = {});

// Publishes the tensors under `path`, whole or not at all; the bytes are a function
// of names, values and metadata. Tensors are streamed one by one; one that is not
// contiguous, or not on the CPU, is copied alone. ResourceExhausted: disk full.
absl::Status SaveWeights(const std::string& path, const std::vector<NamedTensor>& tensors,
                         const std::map<std::string, std::string>& metadata = {});

}  // namespace slimreel

#endif  // MODELS_WEIGHTS_WEIGHTS_H_
