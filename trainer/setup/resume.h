// Where a run begins: anew, at a checkpoint, or not at all because it is finished.
//
// Threading: one thread. Files only, no tensor.
#ifndef TRAINER_SETUP_RESUME_H_
#define TRAINER_SETUP_RESUME_H_

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "trainer/checkpoint/folder.h"

namespace slimreel {

// `resume` is auto (the newest intact checkpoint of `run_dir`, else a new run), none (a new
// run) or a path. Damaged checkpoints that are passed over are logged. Errors:
// DataLoss (checkpoints, but none intact), FailedPrecondition (another version's), InvalidArgument
// (none, where the folder holds checkpoints that the new run would be mixed with), NotFound (the
// path).
absl::StatusOr<std::optional<FoundCheckpoint>> FindStart(const std::string& resume,
                                                         const std::string& run_dir);

// Looks for what `start`'s state calls the best, beside `start`. Where it is damaged or not there,
// the state takes over the best that is there, or none; that is logged and noted in its `changes`.
// Errors: what the machine cannot read now is no loss, and is returned.
absl::Status SettleBest(FoundCheckpoint* start);

// Makes `start` the newest checkpoint of `run_dir`, so that the run goes on from it and from no
// other, also where it is killed before its first save. No checkpoint is lost: those of the run
// that come after `start` are renamed to superseded_step_N, under a name that none has. A `start`
// that is superseded takes its old name back. One of another folder is copied, after its best,
// which is superseded_step_N here. Then every other checkpoint of the run is superseded, because it
// is of another history.
absl::Status MakeNewest(const std::string& run_dir, const FoundCheckpoint& start);

// How to go on after a stop, for people. A path, or none, would begin there again, or be refused.
std::string HowToGoOn(const std::string& resume);

// What differs between where a checkpoint was made and here, in words; empty: the
// same bits can be expected.
std::string EnvironmentDifference(const RunEnvironment& saved, const RunEnvironment& here);

}  // namespace slimreel

#endif  // TRAINER_SETUP_RESUME_H_
