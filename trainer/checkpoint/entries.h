// The checkpoints that lie in a folder: their names, what their states say, and whether they are
// intact.
//
//   step_00000100             of the run as it is
//   superseded_step_00000100  of a run that was left for an older or another checkpoint;
//                             superseded_step_00000100.2, ... where the name was taken
//
// Threading: free functions without state. Files and names only, no tensor.
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
inline constexpr char kConfigFile[] = "config.yaml";  // that the run had when it was saved
inline constexpr char kStateFile[] = "state.json";

std::string CheckpointName(int64_t step);  // step_00000100

struct CheckpointEntry {
  int64_t step = 0;
  std::string path;
};

// Published checkpoints of the run under `folder`, newest first; empty where there is no folder.
std::vector<CheckpointEntry> ListCheckpoints(const std::string& folder);
// Those that were set aside, by name.
std::vector<CheckpointEntry> ListSuperseded(const std::string& folder);

// The two above list nothing where the folder cannot be read. Whoever would take that for an empty
// folder asks here first: OK where it can be listed or is not there, else SystemError's.
absl::Status CheckListable(const std::string& folder);

// A name for checkpoint `step` among those that are set aside: one more than the highest that is
// there, so that a name whose checkpoint took its old name back is not given to another.
std::string FreeSupersededName(const std::string& folder, int64_t step);

// What state.json says; the other files are not looked at. Errors: DataLoss (missing, damaged), or
// FailedPrecondition (of another version), as StateFromJson; SystemError's where the machine cannot
// read it now (PermissionDenied, ResourceExhausted, Unavailable, ...).
absl::StatusOr<TrainState> ReadState(const std::string& path);

// ReadState, then size and hash of every file that it names. DataLoss names the file and what is
// wrong: it is missing, or has another size or hash. Other errors as ReadState.
absl::StatusOr<TrainState> VerifyCheckpoint(const std::string& path);

// Does `status` speak of the checkpoint (damaged, another version's)? A trouble of the machine
// passes: nothing may be decided by it.
bool MayBePassedOver(const absl::Status& status);

struct FoundCheckpoint {
  std::string path;
  TrainState state;
  std::vector<std::string> skipped;  // why preferred ones were not taken
};

// VerifyCheckpoint, with the path beside the state.
absl::StatusOr<FoundCheckpoint> Verified(const std::string& path);

}  // namespace slimreel

#endif  // TRAINER_CHECKPOINT_ENTRIES_H_
