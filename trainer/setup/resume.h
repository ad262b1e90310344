// Where a run starts: anew or at a checkpoint, and what that does to the run folder.
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

// `resume` is auto (the newest intact checkpoint of `run_dir`, or a new run if it has none), none
// (a new run) or a path. Damaged checkpoints that are passed over are logged. Errors:
// - DataLoss: there are checkpoints, but none is intact.
// - FailedPrecondition: the checkpoint is another version's.
// - InvalidArgument: `resume` is none, but the folder holds checkpoints, which the new run would be
//   mixed with.
// - NotFound: there is no such path.
absl::StatusOr<std::optional<FoundCheckpoint>> FindStart(const std::string& resume,
                                                         const std::string& run_dir);

// Looks beside `start` for the checkpoint that its state calls the best. If that is damaged or
// missing, the state takes the best one that is there, or none. This is logged and noted in the
// state's `changes`. Errors: a checkpoint that the machine cannot read now does not count as lost;
// the error is returned.
absl::Status SettleBest(FoundCheckpoint* start);

// Makes `start` the newest checkpoint of `run_dir`, so that the run goes on from it even if it is
// killed before its first save. No checkpoint is lost:
// - Checkpoints of the run that come after `start` are renamed to superseded_step_N, a free name.
// - A `start` that is superseded takes its old name back.
// - A `start` of another folder is copied, after its best, which becomes superseded_step_N here.
//   Then all other checkpoints of the run are superseded, because they have another history.
absl::Status MakeNewest(const std::string& run_dir, const FoundCheckpoint& start);

// Tells people how to go on after a stop. The same command would not do if --resume was a path
// (the run would start there again) or none (it would be refused).
std::string HowToGoOn(const std::string& resume);

// What differs between the machine that made a checkpoint and this one, in words. Empty: the same
// bits can be expected.
std::string EnvironmentDifference(const RunEnvironment& saved, const RunEnvironment& here);

}  // namespace slimreel

#endif  // TRAINER_SETUP_RESUME_H_
