// Turns the command line of //data:make_demo into options. No other file knows its flags.
//
// Threading: call from the main thread.
#ifndef DATA_MAKE_DEMO_FLAGS_H_
#define DATA_MAKE_DEMO_FLAGS_H_

#include "absl/status/statusor.h"
#include "base/command_line.h"
#include "data/demo/demo_set.h"

namespace slimreel {

Program MakeDemoProgram();

// Reads all flags. InvalidArgument: --output is missing. Unimplemented: --speech or --fake is
// given.
absl::StatusOr<DemoSetOptions> DemoSetOptionsFromFlags();

}  // namespace slimreel

#endif  // DATA_MAKE_DEMO_FLAGS_H_
