// Loads and saves safetensors files with the model's own keys, directly between mapped pages
// and the tensors of a model. Never holds two copies of the model. For published weights see
// pretrained.h.
//
// Threading: one thread at a time per set of tensors.
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
  bool convert_type = true;  // false: a tensor of another dtype is a mismatch
  // Tensors that only one side has are skipped and reported, instead of being a mismatch.
  bool common_only = false;
};

struct LoadReport {
  int64_t loaded = 0;  // tensors
  // With common_only: names that the file lacks, and names that only the file has.
  std::vector<std::string> absent;
  std::vector<std::string> unused;
  // One line for each tensor with NaN or infinity, with the number of such values. These
  // tensors are loaded too.
  std::vector<std::string> not_finite;
  std::map<std::string, std::string> metadata;
};

// Copies the file's tensors into `tensors` in place (any device, any strides) and converts
// dtypes. `path`: as for WeightFiles::Open. InvalidArgument, before anything is written: missing,
// surplus and mismatched tensors, the count and the first ten of each kind. DataLoss: a
// malformed file. NotFound: no file. Errors name the path.
absl::StatusOr<LoadReport> LoadInto(const std::vector<NamedTensor>& tensors,
                                    const std::string& path, const LoadOptions& options = {});

// Writes the tensors to `path`, completely or not at all. The bytes depend only on names,
// values and metadata. Tensors are written one by one; a tensor that is not contiguous or
// not on the CPU is first copied. ResourceExhausted: the disk is full.
absl::Status SaveWeights(const std::string& path, const std::vector<NamedTensor>& tensors,
                         const std::map<std::string, std::string>& metadata = {});

}  // namespace slimreel

#endif  // MODELS_WEIGHTS_WEIGHTS_H_
