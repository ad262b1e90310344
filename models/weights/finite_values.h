// Counts values of a stored tensor that are NaN or infinite. Does not use torch.
//
// Threading: pure function, any thread.
#ifndef MODELS_WEIGHTS_FINITE_VALUES_H_
#define MODELS_WEIGHTS_FINITE_VALUES_H_

#include <cstdint>
#include <string_view>

#include "models/weights/safetensors_format.h"

namespace slimreel {

// How many elements of `bytes` are NaN or infinite after conversion to `target`; float64 may
// hold values beyond float32's range. 0 for integers. `bytes` holds a whole number of elements
// of type `stored`, which need not be aligned.
int64_t CountNotFinite(std::string_view bytes, WeightType stored, WeightType target);

}  // namespace slimreel

#endif  // MODELS_WEIGHTS_FINITE_VALUES_H_
