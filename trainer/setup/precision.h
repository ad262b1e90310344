// What trainer.precision means: the dtypes of parameters and of computation, and the loss scale.
#ifndef TRAINER_SETUP_PRECISION_H_
#define TRAINER_SETUP_PRECISION_H_

#include <c10/core/Device.h>
#include <c10/core/ScalarType.h>

#include <optional>
#include <string>

#include "configs/trainer_options.h"
#include "trainer/optim/loss_scale.h"

namespace slimreel {

// Dtype of parameters and optimizer state: float64 with 64, otherwise float32, also with mixed
// precision.
at::ScalarType ParameterDtype(Precision precision);

// Dtype that autocast computes in: kHalf with 16, kBFloat16 with bf16, otherwise none.
std::optional<at::ScalarType> AutocastDtype(Precision precision);

// A loss scale with 16, because fp16 has too little range for gradients; otherwise none.
std::optional<LossScaleOptions> LossScaleFor(Precision precision);

// A warning for the user if `device` has no instructions for the precision, which makes it slower
// than 32; otherwise empty.
std::string SlowPrecisionWarning(Precision precision, at::Device device);

}  // namespace slimreel

#endif  // TRAINER_SETUP_PRECISION_H_
