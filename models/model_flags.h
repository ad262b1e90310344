// The flags of //models:model as a struct, and its command word. Does not use torch.
//
// Threading: one thread, after the flags are parsed.
#ifndef MODELS_MODEL_FLAGS_H_
#define MODELS_MODEL_FLAGS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace slimreel {

// The memory and time of `describe` grow with batch, num_frames and the square of img_size. The
// bounds equal those of the configuration keys of the same names.
struct ModelCommandOptions {
  std::string model;
  int64_t batch = 1;        // 1 to 2^20
  int64_t num_frames = 16;  // 1 to 1024
  int64_t img_size = 112;   // pixels, both sides; 8 to 4096
  // 0 to 2^24. 0 means 400 for describe; for import the classes of the file's head, or 400.
  int64_t num_classes = 0;
  std::string temporal_pooling = "mean";
  std::string fusion = "lateral";
  std::string weights;           // import: a path, or two: RGB,POSE
  std::string output;            // import: the safetensors file to write
  bool both_bias_names = false;  // import: write VideoMAE's biases under both of their names
  bool json = false;

  // InvalidArgument names every flag that is out of bounds.
  absl::Status Validate() const;
};

// The names of the flags in the order in which --help shows them.
std::vector<std::string> ModelFlagNames();
ModelCommandOptions ModelOptionsFromFlags();

// The command among the positional arguments `words`: list, describe or import.
// InvalidArgument: no command, more than one word, or an unknown command. The message gives the
// nearest command, and after describe or import it says how to name a model.
absl::StatusOr<std::string> ModelCommandWord(const std::vector<std::string>& words);

}  // namespace slimreel

#endif  // MODELS_MODEL_FLAGS_H_
