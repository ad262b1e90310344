// A spec as text, for keys of caches. Pure.
#ifndef MODELS_SPEC_SPEC_TEXT_H_
#define MODELS_SPEC_SPEC_TEXT_H_

#include <string>

#include "models/spec/model_spec.h"

namespace slimreel {

// Differs between specs whose models may do different work. Values that only change values, such as
// the seed, are left out.
std::string WorkOf(const ModelSpec& spec);

}  // namespace slimreel

#endif  // MODELS_SPEC_SPEC_TEXT_H_
