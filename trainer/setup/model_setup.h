// A model as a training run wants it: on its device, with the weights it starts
// from and the parts that stay frozen.
//
// Threading: one thread.
#ifndef TRAINER_SETUP_MODEL_SETUP_H_
#define TRAINER_SETUP_MODEL_SETUP_H_

#include <c10/core/Device.h>

#include <cstdint>
#include <memory>
#include <optional>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "configs/schema.h"
#include "models/chain/model.h"

namespace slimreel {

// Builds model.name for `num_classes`; none: the model has its own number (a vocabulary). With
// `load_weights` (for a new run) it reads model.weights. That file must hold every tensor except
// the head, with its shape. A head of other classes keeps its fresh values, and that is logged.
// Errors: the factory's; InvalidArgument that names every tensor that does not fit, or a prefix of
// model.freeze that matches no key.
absl::StatusOr<std::unique_ptr<Model>> SetUpModel(const Config& config,
                                                  std::optional<int64_t> num_classes,
                                                  at::Device device, bool load_weights);

// Moves parameters, buffers and constants, one tensor after the other, so that there are never two
// models.
void MoveTo(const Model& model, at::Device device);

bool HasBatchNorm(const Model& model);

// InvalidArgument: a BatchNorm of `model` would see one value per channel in a normalisation group
// of `smallest_group` samples. This is possible only if smallest_group is 1. Only then the model
// runs once, on zeros, to find out.
absl::Status CheckNormGroup(const Model& model, int64_t smallest_group);

// Logs each setting that asks for something that `model` does not use.
void WarnUnused(const Config& config, const Model& model);

}  // namespace slimreel

#endif  // TRAINER_SETUP_MODEL_SETUP_H_
