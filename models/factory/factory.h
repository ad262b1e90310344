// The zoo: an explicit table from names to builders.
#ifndef MODELS_FACTORY_FACTORY_H_
#define MODELS_FACTORY_FACTORY_H_

#include <ATen/core/ScalarType.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "models/chain/model.h"

namespace slimreel {

// What the configuration and the data say of a model. Options outside of what
// the model takes (an image size, a frame count) are InvalidArgument and say what is taken.
struct ModelSpec {
  std::string name;
  int64_t num_classes = 2;
  int64_t num_frames = 16;
  int64_t height = 112;
  int64_t width = 112;
  double dropout = -1.0;    // < 0: the reference's
  double drop_path = -1.0;  // < 0: the reference's
  double label_smoothing = 0.0;
  std::vector<double> class_weights;  // empty: all 1
  uint64_t seed = 0;                  // of the initial weights: a function of (seed, key)
  at::ScalarType dtype = at::kFloat;  // kFloat or kDouble; parameters and activations
};

struct ModelEntry {
  const char* name;
  const char* family;   // "rgb"
  const char* summary;  // one line for `list`
};

const std::vector<ModelEntry>& ModelTable();

// Errors: NotFound with the nearest known name; InvalidArgument.
absl::StatusOr<std::unique_ptr<Model>> BuildModel(const ModelSpec& spec);

}  // namespace slimreel

#endif  // MODELS_FACTORY_FACTORY_H_
