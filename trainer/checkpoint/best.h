// Which checkpoint is the best one: what the states say. The link `best` is made from that, and
// nothing is read out of it, because a kill, a copy or a person may have left it anywhere.
//
// See Note [The best checkpoint]. Threading: free functions without state; one process writes a
// folder at a time.
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
// A step's number names no checkpoint: a run that goes back to step 3 makes another step 6, and the
// first one is then superseded_step_00000006. So a state names its best by the step and by the
// fingerprint of its weights. A state of format 2 has no fingerprint; there the step, the metric
// and the value tell, which the best one's own state has too: it was the best when it was saved.
//
// Where the best that a state names is gone or damaged, other states know the next one: each
// checkpoint whose own state calls itself the best was better than those before it.

// Is the checkpoint with the state `candidate` the one that `state` calls the best?
bool IsBestOf(const TrainState& candidate, const TrainState& state);

// The best of `state` among the checkpoints under `folder`, superseded ones included, by their
// state.json only: its folder's name. Empty: `state` names none, or it is not there. Errors: those
// that may not be passed over (MayBePassedOver), with the path.
absl::StatusOr<std::string> NameOfBest(const std::string& folder, const TrainState& state);

struct BestCheckpoint {
  std::optional<FoundCheckpoint> found;  // intact; none: no state knows one that is
  std::string lost;                      // why it is not the one that `state` names; else empty
};

// The best of `state`, verified. Where it is damaged or not there, the best that the states of
// intact checkpoints of the run up to state.step know of, by the same metric. Errors as NameOfBest.
absl::StatusOr<BestCheckpoint> FindBest(const std::string& folder, const TrainState& state);

// "top1 0.75 at step 40".
std::string DescribeBest(const TrainState& state);

// Makes `link` (latest, best) point to checkpoint `name`, atomically.
absl::Status PointTo(const std::string& folder, const std::string& link, const std::string& name);

// Makes `latest` and `best` anew: the newest checkpoint, and what its state calls the best; no
// `best` where it calls none.
absl::Status PointLinks(const std::string& folder);

}  // namespace slimreel

#endif  // TRAINER_CHECKPOINT_BEST_H_
