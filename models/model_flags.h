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
  int64_t img_size = 112;  // pixels, both sides
  int64_t num_classes = 400;
  bool json = false;
};

// Names in the order that --help shows.
std::vector<std::string> ModelFlagNames();
ModelCommandOptions ModelOptionsFromFlags();

}  // namespace slimreel

#endif  // MODELS_MODEL_FLAGS_H_
