// What the configuration and the data say of a model; read by the builders.
#ifndef MODELS_FACTORY_MODEL_SPEC_H_
#define MODELS_FACTORY_MODEL_SPEC_H_

#include <c10/core/ScalarType.h>

#include <cstdint>
#include <string>
#include <vector>

namespace slimreel {

struct ModelSpec {
  std::string name;
  int64_t num_classes = 2;
  int64_t num_frames = 16;
  int64_t height = 112;  // pixels of the clip
  int64_t width = 112;
  double dropout = -1.0;              // [0, 1); < 0: the reference's
  double drop_path = -1.0;            // [0, 1); < 0: the reference's
  double label_smoothing = 0.0;       // [0, 1)
  std::vector<double> class_weights;  // empty: all 1; else one per class, >= 0
  uint64_t seed = 0;                  // of the initial weights: a function of (seed, key)
  at::ScalarType dtype = at::kFloat;  // kFloat or kDouble; parameters and activations
};

}  // namespace slimreel

#endif  // MODELS_FACTORY_MODEL_SPEC_H_
