// The checkpoints in a folder: their names, their states, and whether they are intact.
//
//   step_00000100             a checkpoint of the run
//   superseded_step_00000100  one that the run has left for an older or another checkpoint;
//                             superseded_step_00000100.2, ... if the name is taken
//
// Threading: free functions without state. Files and names only, no tensors.
#ifndef TRAINER_CHECKPOINT_ENTRIES_H_
#define TRAINER_CHECKPOINT_ENTRIES_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "trainer/checkpoint/train_state.h"

namespace slimreel {

inline constexpr char kModelFile[] = "model.safetensors";
inline constexpr char kOptimizerFile[] = "optimizer.safetensors";
inline constexpr char kConfigFile[] = "config.yaml";  // the run's when it was saved
inline constexpr char kStateFile[] = "state.json";

std::string CheckpointName(int64_t step);  // step_00000100

struct CheckpointEntry {
  int64_t step = 0;
  std::string path;
};

// The checkpoints of the run under `folder`, newest first. Empty if there is no such folder, or if
// it cannot be read.
std::vector<CheckpointEntry> ListCheckpoints(const std::string& folder);
// The superseded ones, sorted by name. Empty in the same cases.
std::vector<CheckpointEntry> ListSuperseded(const std::string& folder);

// OK if the folder can be listed or does not exist, else SystemError's. Call it before the
// functions above if an unreadable folder must not be taken for an empty one.
absl::Status CheckListable(const std::string& folder);

// A new superseded name for checkpoint `step`. Its number is one more than the highest one, so a
// name is not given to a second checkpoint after the first one took its old name back.
std::string FreeSupersededName(const std::string& folder, int64_t step);

// Reads state.json, and no other file. Errors: DataLoss (missing, damaged) and FailedPrecondition
// (another version's), as StateFromJson; SystemError's if the machine cannot read it now
// (PermissionDenied, ResourceExhausted, Unavailable, ...).
absl::StatusOr<TrainState> ReadState(const std::string& path);

// ReadState, and a check of the size and hash of every file that the state names. DataLoss names
// the file and what is wrong: it is missing, or has another size or hash. Other errors as
// ReadState.
absl::StatusOr<TrainState> VerifyCheckpoint(const std::string& path);

// Whether `status` is a fault of the checkpoint itself: it is damaged or another version's. Such a
// checkpoint may be skipped. An error of the machine may pass, so it must not decide anything.
bool IsFaultOfCheckpoint(const absl::Status& status);

struct FoundCheckpoint {
  std::string path;
  TrainState state;
  std::vector<std::string> skipped;  // why the preferred ones were not taken
};

// VerifyCheckpoint; returns the path with the state.
absl::StatusOr<FoundCheckpoint> ReadVerified(const std::string& path);

}  // namespace slimreel

#endif  // TRAINER_CHECKPOINT_ENTRIES_H_
