// Turns the command line of //data:prepare into options. No other file knows its flags.
//
// Threading: call from the main thread.
#ifndef DATA_PREPARE_FLAGS_H_
#define DATA_PREPARE_FLAGS_H_

#include <vector>

#include "absl/status/statusor.h"
#include "base/command_line.h"
#include "base/config_override.h"
#include "data/pipeline/prepare.h"

namespace slimreel {

Program PrepareProgram();

// Reads --config with `overrides`, and all other flags. InvalidArgument: a bad flag or key.
// NotFound: no such config file.
absl::StatusOr<PrepareOptions> PrepareOptionsFromFlags(
    const std::vector<ConfigOverride>& overrides);

}  // namespace slimreel

#endif  // DATA_PREPARE_FLAGS_H_
