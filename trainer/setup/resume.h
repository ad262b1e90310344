// Where a run begins: anew, at a checkpoint, or not at all because it is finished.
//
// Who calls it: //trainer:train. Threading: one thread. Files only, no tensor.
#ifndef TRAINER_SETUP_RESUME_H_
#define TRAINER_SETUP_RESUME_H_

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "trainer/checkpoint/folder.h"

namespace slimreel {

// `resume` is auto (the newest intact checkpoint of `run_dir`, else a new run), none (a new
// run) or a path. Damaged checkpoints that are passed over are logged. Errors:
// DataLoss (checkpoints, but none intact), InvalidArgument (none, where the folder holds
// checkpoints that the new run would be mixed with), NotFound (the path).
absl::StatusOr<std::optional<FoundCheckpoint>> FindStart(const std::string& resume,
                                                         const std::string& run_dir);

// Renames checkpoints of `run_dir` after `step` to superseded_step_N, so that a run
// that goes on from an older one is not mistaken for theirs.
absl::Status SetAsideLaterCheckpoints(const std::string& run_dir, int64_t step);

// What differs between where a checkpoint was made and here, in words; empty: the
// same bits can be expected.
std::string EnvironmentDifference(const RunEnvironment& saved, const RunEnvironment& here);

}  // namespace slimreel

#endif  // TRAINER_SETUP_RESUME_H_
