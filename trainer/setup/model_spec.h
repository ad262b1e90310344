// The model that the configuration names, as the factory takes it.
//
// Pure functions.
#ifndef TRAINER_SETUP_MODEL_SPEC_H_
#define TRAINER_SETUP_MODEL_SPEC_H_

#include <cstdint>
#include <optional>

#include "configs/schema.h"
#include "models/spec/model_spec.h"

namespace slimreel {

// `num_classes` is empty for a model that has its own (a vocabulary).
ModelSpec MakeModelSpec(const Config& config, std::optional<int64_t> num_classes);

// Height and width of the heatmaps of pose models, for the model and its loaders:
// data.heatmap.size; if that is not set, a quarter of data.img_size for RGB+pose models and 56 for
// others.
int64_t HeatmapSize(const Config& config);

// A speech model has its own vocabulary instead of the data's classes, and is not evaluated yet.
bool IsSpeechModel(const Config& config);

}  // namespace slimreel

#endif  // TRAINER_SETUP_MODEL_SPEC_H_
