// RUN/checkpoints: which checkpoint is meant by a word, and which may go. Files and names only, no
// tensor.
//
//   step_00000100/{model.safetensors, optimizer.safetensors, config.yaml, state.json}
//   latest -> step_00000100     best -> step_00000080     (relative symbolic links)
//
// Threading: one thread; one process writes a folder at a time.
#ifndef TRAINER_CHECKPOINT_FOLDER_H_
#define TRAINER_CHECKPOINT_FOLDER_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "trainer/checkpoint/entries.h"

namespace slimreel {

// The newest intact checkpoint. NotFound: there is none at all; DataLoss: there are, but
// each is damaged (the message names them all); FailedPrecondition: another version of this
// program wrote it, and going on from an older one would lose what it holds. A trouble of the
// machine (PermissionDenied, ResourceExhausted, Unavailable) is no damage: it is returned.
absl::StatusOr<FoundCheckpoint> FindNewestIntact(const std::string& folder);

// `which` is best, latest, the name of a checkpoint of the run (step_00000100), or a path (of a
// checkpoint or of a run folder). `latest` is FindNewestIntact's. `best` is what the newest state
// calls the best (FindBest); where no evaluation has named one or none is left, FindNewestIntact's.
// `skipped` says why. DataLoss: no intact one, or none at all.
absl::StatusOr<FoundCheckpoint> FindCheckpoint(const std::string& run_dir,
                                               const std::string& which);

// Removes all but the newest `keep` checkpoints; damaged ones are not counted. What `state` (the
// run's, saved or about to be) or that of one that stays calls the best stays as well, so that a
// run may go on from any of them; superseded ones always stay. Leftovers of saves that were cut off
// go, too. Nothing is removed where the machine cannot read a state now: that is returned.
absl::Status PruneCheckpoints(const std::string& folder, int64_t keep, const TrainState& state);

}  // namespace slimreel

#endif  // TRAINER_CHECKPOINT_FOLDER_H_
