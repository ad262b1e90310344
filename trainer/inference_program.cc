#include "trainer/inference_program.h"

#include "absl/strings/str_cat.h"
#include "base/exit_code.h"
#include "base/memory_limits.h"
#include "base/status_macros.h"
#include "base/stop_signal.h"
#include "memory/recovery/fits_in_memory.h"
#include "memory/tracking/cpu_allocator.h"

namespace slimreel {

int RunInference(int argc, char** argv, const Program& program, const InferenceBody& body) {
  InstallCpuAllocator();
  InstallStopExit();
  return RunProgram(argc, argv, program, [&body](const CommandLine& line) -> absl::Status {
    InferenceFlags flags = InferenceFromFlags();
    flags.input.insert(flags.input.begin(), line.positional.begin(), line.positional.end());
    absl::Status status;
    const auto load_and_run = [&]() -> absl::Status {
      SLIMREEL_ASSIGN_OR_RETURN(const TrainedModel trained,
                                LoadTrainedModel(flags.run, flags.checkpoint));
      return body(trained, flags);
    };
    if (FitsInMemory([&] { status = load_and_run(); })) return status;
    return NothingFitsError(
        absl::StrCat("the model with a single clip does not fit the ceiling of memory (",
                     CpuBudgetOrigin(), "); it needs ", RaiseCeilingRemedy(CpuBudgetOrigin()),
                     CpuBudgetOrigin() == "memory.budget" ? " in config.yaml of the run" : ""));
  });
}

}  // namespace slimreel
