// What the mains of evaluate and predict share: the allocator, the flags, and loading the model
// from the run folder.
#ifndef TRAINER_INFERENCE_PROGRAM_H_
#define TRAINER_INFERENCE_PROGRAM_H_

#include <functional>

#include "absl/status/status.h"
#include "base/command_line.h"
#include "trainer/inference_flags.h"
#include "trainer/setup/trained_model.h"

namespace slimreel {

using InferenceBody = std::function<absl::Status(const TrainedModel&, const InferenceFlags&)>;

// Runs `body` and returns the exit code. Call it before any tensor exists. Words without a flag are
// added to flags.input. A stop signal ends the process at once with 75, unless `body` calls
// InstallStopSignal.
int RunInference(int argc, char** argv, const Program& program, const InferenceBody& body);

}  // namespace slimreel

#endif  // TRAINER_INFERENCE_PROGRAM_H_
