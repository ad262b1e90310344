// Which checkpoint is the best. The states say so, and the link `best` is made from them. The link
// is never read, because a kill, a copy or a person may have left it anywhere.
//
// See Note [The best checkpoint]. Threading: free functions without state. Only one process may
// write a folder at a time.
#ifndef TRAINER_CHECKPOINT_BEST_H_
#define TRAINER_CHECKPOINT_BEST_H_

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "trainer/checkpoint/entries.h"
#include "trainer/checkpoint/train_state.h"

namespace slimreel {

// Note [The best checkpoint]
//
// The number of a step does not identify a checkpoint: a run that goes back to step 3 makes a
// second step 6, and the first one is then called superseded_step_00000006. So a state names its
// best by the step and by the fingerprint of its weights. A state of format 2 has no fingerprint.
// There the best is identified by step, metric and value: the best checkpoint was the best when it
// was saved, so its own state has the same three.
//
// If the best is gone or damaged, other states name the next one: a checkpoint whose own state
// calls itself the best was better than all before it.

// Whether the checkpoint with the state `candidate` is the one that `state` calls the best.
bool IsBestOf(const TrainState& candidate, const TrainState& state);

// Returns the name of the folder under `folder` that `state` calls the best. Superseded checkpoints
// count too. Reads only their state.json. Empty: `state` names none, or it is not there. Errors:
// those of the machine (see IsFaultOfCheckpoint), with the path.
absl::StatusOr<std::string> NameOfBest(const std::string& folder, const TrainState& state);

struct BestCheckpoint {
  std::optional<FoundCheckpoint> found;  // intact; none: no state names an intact one
  std::string lost;                      // why it is not the one that `state` names, or empty
};

// Finds the checkpoint that `state` calls the best, and verifies it. If it is damaged or missing,
// finds the newest intact checkpoint of the run up to state.step that was the best by the same
// metric when it was saved. Errors as NameOfBest.
absl::StatusOr<BestCheckpoint> FindBest(const std::string& folder, const TrainState& state);

// "top1 0.75 at step 40".
std::string DescribeBest(const TrainState& state);

// Makes the link `link` (latest or best) point to checkpoint `name`, atomically.
absl::Status PointTo(const std::string& folder, const std::string& link, const std::string& name);

// Makes `latest` and `best` anew. `latest` points to the newest checkpoint with a readable state,
// `best` to the one that this state calls the best. Without such a best, the link `best` is
// removed.
absl::Status PointLinks(const std::string& folder);

}  // namespace slimreel

#endif  // TRAINER_CHECKPOINT_BEST_H_
