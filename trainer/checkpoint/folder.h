// RUN/checkpoints: which checkpoint a word means, and which ones may be removed. Files and names
// only, no tensors.
//
//   step_00000100/{model.safetensors, optimizer.safetensors, config.yaml, state.json}
//   latest -> step_00000100     best -> step_00000080     (relative symbolic links)
//
// Threading: one thread. Only one process may write a folder at a time.
#ifndef TRAINER_CHECKPOINT_FOLDER_H_
#define TRAINER_CHECKPOINT_FOLDER_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "trainer/checkpoint/entries.h"

namespace slimreel {

// The newest intact checkpoint. Errors: NotFound if there is no checkpoint at all; DataLoss if all
// are damaged (the message names them); FailedPrecondition if another version of this program wrote
// the newest intact one, because going on from an older one would lose its steps; errors of the
// machine (PermissionDenied, ResourceExhausted, Unavailable), which are no damage.
absl::StatusOr<FoundCheckpoint> FindNewestIntact(const std::string& folder);

// `which` is best, latest, the name of a checkpoint of the run (step_00000100), or the path of a
// checkpoint or of a run folder. `latest` is the result of FindNewestIntact. `best` is the one that
// the newest state calls the best (FindBest). If no evaluation has named a best, or if it is lost
// and no other is left, `best` is the result of FindNewestIntact; `skipped` says why. Errors:
// DataLoss if there is no intact checkpoint or none at all; NotFound if a path is no checkpoint.
absl::StatusOr<FoundCheckpoint> FindCheckpoint(const std::string& run_dir,
                                               const std::string& which);

// Removes all but the newest `keep` checkpoints. Damaged ones do not count towards `keep`.
// Superseded ones always stay. The best of `state` (the run's, saved or about to be saved) and the
// best of each checkpoint that stays are kept as well, so that a run may go on from any of them.
// Leftovers of interrupted saves are removed. If the machine cannot read a state now, nothing is
// removed and the error is returned.
absl::Status PruneCheckpoints(const std::string& folder, int64_t keep, const TrainState& state);

}  // namespace slimreel

#endif  // TRAINER_CHECKPOINT_FOLDER_H_
