// What a family's builders have in common: they turn a checked ModelSpec into a model.
//
// Callers: the factory's table, which has one line per model.
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

// InvalidArgument where the model does not take what `spec` says, with what it takes.
using ModelBuilder = ModelResult (*)(const ModelSpec& spec);

// spec.drop_path must be unset or 0 for a model without drop-path.
absl::Status RefuseDropPath(const ModelSpec& spec);
// Images below size x size are refused.
absl::Status RequireMinImageSize(int64_t size, const ModelSpec& spec);

}  // namespace slimreel

#endif  // MODELS_SPEC_BUILDER_H_
