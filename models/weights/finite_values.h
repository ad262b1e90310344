// Counts the values of a stored tensor that are no numbers. Torch-free; pure, any thread.
#ifndef MODELS_WEIGHTS_FINITE_VALUES_H_
#define MODELS_WEIGHTS_FINITE_VALUES_H_

#include <cstdint>
#include <string_view>

#include "models/weights/safetensors_format.h"

namespace slimreel {

// How many of the elements in `bytes`, which are of type `stored` and need not be aligned, are NaN
// or infinite as `target`: float64 may hold values beyond float32's. 0 for integers. `bytes` is
// a whole number of elements.
int64_t CountNotFinite(std::string_view bytes, WeightType stored, WeightType target);

}  // namespace slimreel

#endif  // MODELS_WEIGHTS_FINITE_VALUES_H_
