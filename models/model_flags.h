// The flags of //models:model as a struct.
#ifndef MODELS_MODEL_FLAGS_H_
#define MODELS_MODEL_FLAGS_H_

#include <cstdint>
#include <string>
#include <vector>

namespace slimreel {

struct ModelCommandOptions {
  std::string model;
  int64_t batch = 1;
  int64_t num_frames = 16;
  int64_t img_size = 112;   // pixels, both sides
  int64_t num_classes = 0;  // 0: describe: 400; import: as the file's head, else 400
  std::string temporal_pooling = "mean";
  std::string fusion = "lateral";
  std::string weights;  // import: a path, or RGB's and pose's, comma-separated
  std::string output;   // import: the safetensors file to write
  bool json = false;
};

// Names in the order that --help shows.
std::vector<std::string> ModelFlagNames();
ModelCommandOptions ModelOptionsFromFlags();

}  // namespace slimreel

#endif  // MODELS_MODEL_FLAGS_H_
