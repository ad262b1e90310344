#include "trainer/inference_program.h"

#include "base/status_macros.h"
#include "memory/tracking/cpu_allocator.h"

namespace slimreel {

int RunInference(int argc, char** argv, const Program& program, const InferenceBody& body) {
  InstallCpuAllocator();
  return RunProgram(argc, argv, program, [&body](const CommandLine& line) -> absl::Status {
    InferenceFlags flags = InferenceFromFlags();
    flags.input.insert(flags.input.begin(), line.positional.begin(), line.positional.end());
    SLIMREEL_ASSIGN_OR_RETURN(const TrainedModel trained,
                              LoadTrainedModel(flags.run, flags.checkpoint));
    return body(trained, flags);
  });
}

}  // namespace slimreel
