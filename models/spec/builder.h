// The common part of all builders. A builder turns a checked ModelSpec into a model; the factory's
// table has one line per builder.
#ifndef MODELS_SPEC_BUILDER_H_
#define MODELS_SPEC_BUILDER_H_

#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "models/chain/model.h"
#include "models/spec/model_spec.h"

namespace slimreel {

using Stages = std::vector<std::unique_ptr<Stage>>;
using ModelResult = absl::StatusOr<std::unique_ptr<Model>>;

// Error: InvalidArgument if the model does not take what `spec` says. It names what the model
// takes.
using ModelBuilder = ModelResult (*)(const ModelSpec& spec);

// For a model without drop-path: an error unless spec.drop_path is unset or 0.
absl::Status RefuseDropPath(const ModelSpec& spec);
// An error if the image is smaller than size x size.
absl::Status RequireMinImageSize(int64_t size, const ModelSpec& spec);

}  // namespace slimreel

#endif  // MODELS_SPEC_BUILDER_H_
