// The flags of //models:model as a struct, and its command word.
//
// Caller: models/model_main.cc, once. Free of torch.
#ifndef MODELS_MODEL_FLAGS_H_
#define MODELS_MODEL_FLAGS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace slimreel {

// Memory and time of describe grow with batch, num_frames and the square of img_size. The
// bounds are those of the configuration's keys of the same names.
struct ModelCommandOptions {
  std::string model;
  int64_t batch = 1;        // 1 to 2^20
  int64_t num_frames = 16;  // 1 to 1024
  int64_t img_size = 112;   // pixels, both sides; 8 to 4096
  int64_t num_classes = 0;  // 0: describe: 400; import: as the file's head, else 400; to 2^24
  std::string temporal_pooling = "mean";
  std::string fusion = "lateral";
  std::string weights;           // import: a path, or RGB's and pose's, comma-separated
  std::string output;            // import: the safetensors file to write
  bool both_bias_names = false;  // import: VideoMAE's biases also as transformers 5.5.1 names them
  bool json = false;

  // InvalidArgument names every flag out of bounds.
  absl::Status Validate() const;
};

// Names in the order that --help shows.
std::vector<std::string> ModelFlagNames();
ModelCommandOptions ModelOptionsFromFlags();

// The one of list, describe and import that `words` (those beside the flags) are.
// InvalidArgument: none, more than one, or another, with the nearest; and for a model's
// name how to give it.
absl::StatusOr<std::string> ModelCommandWord(const std::vector<std::string>& words);

}  // namespace slimreel

#endif  // MODELS_MODEL_FLAGS_H_
