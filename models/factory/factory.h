// The zoo: an explicit table from names to builders.
#ifndef MODELS_FACTORY_FACTORY_H_
#define MODELS_FACTORY_FACTORY_H_

#include <optional>
#include <string>
#include <vector>

#include "models/spec/builder.h"
#include "models/spec/model_family.h"
#include "models/spec/model_spec.h"

namespace slimreel {

struct ModelEntry {
  const char* name;
  ModelFamily family;
  const char* summary;  // one line for `list`
};

const std::vector<ModelEntry>& ModelTable();

// The family of the model of that name; none if the table has no such model.
std::optional<ModelFamily> FamilyOf(const std::string& name);

// Errors: NotFound with the nearest known name; InvalidArgument where an option
// is outside of what the model takes (an image size, a frame count), which says what is taken.
ModelResult BuildModel(const ModelSpec& spec);

}  // namespace slimreel

#endif  // MODELS_FACTORY_FACTORY_H_
