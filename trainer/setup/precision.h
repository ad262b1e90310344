// trainer.precision: what parameters are, and what the operations compute in.
#ifndef TRAINER_SETUP_PRECISION_H_
#define TRAINER_SETUP_PRECISION_H_

#include <c10/core/Device.h>
#include <c10/core/ScalarType.h>

#include <optional>
#include <string>

#include "configs/trainer_options.h"
#include "trainer/optim/loss_scale.h"

namespace slimreel {

// Of parameters and optimizer state: float64 with 64, else float32, mixed precision included.
at::ScalarType ParameterDtype(Precision precision);

// What autocast computes in: kHalf with 16, kBFloat16 with bf16, none else.
std::optional<at::ScalarType> AutocastDtype(Precision precision);

// A loss scale with 16, because fp16 has too little range for gradients; none else.
std::optional<LossScaleOptions> LossScaleFor(Precision precision);

// What to tell the user where `device` has no instructions for the precision, so that it
// is slower than 32; empty where it has.
std::string SlowPrecisionWarning(Precision precision, at::Device device);

}  // namespace slimreel

#endif  // TRAINER_SETUP_PRECISION_H_
