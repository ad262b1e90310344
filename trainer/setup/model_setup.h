// A model as a training run wants it: on its device, with the weights it starts
// from and the parts that stay frozen.
//
// Who calls it: trainer/setup/session; trained_model takes MoveTo.
#ifndef TRAINER_SETUP_MODEL_SETUP_H_
#define TRAINER_SETUP_MODEL_SETUP_H_

#include <c10/core/Device.h>

#include <cstdint>
#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "configs/schema.h"
#include "models/chain/model.h"

namespace slimreel {

// Builds model.name for `num_classes`. With `load_weights` (a run that does not go on from
// a checkpoint) model.weights is read: every tensor but the head must be there with its
// shape; a head of other classes keeps its fresh values, and that is logged. Errors:
// the factory's; InvalidArgument naming every tensor that does not fit, or a prefix of
// model.freeze that no key has.
absl::StatusOr<std::unique_ptr<Model>> SetUpModel(const Config& config, int64_t num_classes,
                                                  at::Device device, bool load_weights);

// Parameters and buffers; at once for each tensor, never a second model.
void MoveTo(const Model& model, at::Device device);

bool HasBatchNorm(const Model& model);

// InvalidArgument: a BatchNorm of `model` would see one value a channel in a normalisation
// group of `smallest_group` samples. Of one sample alone can that be: then the model runs once.
absl::Status CheckNormGroup(const Model& model, int64_t smallest_group);

// Logs the settings that `model` has no use for, where they ask for something.
void WarnUnused(const Config& config, const Model& model);

}  // namespace slimreel

#endif  // TRAINER_SETUP_MODEL_SETUP_H_
