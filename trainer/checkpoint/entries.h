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

// A name for checkpoint `step` among those that are set aside; no folder has it yet.
std::string FreeSupersededName(const std::string& folder, int64_t step);

// What state.json says; the other files are not looked at. Errors: DataLoss (missing, damaged), or
// FailedPrecondition (of another version), as StateFromJson.
absl::StatusOr<TrainState> ReadState(const std::string& path);

// ReadState, then size and hash of every file that it names. DataLoss names the file and what is
// wrong.
absl::StatusOr<TrainState> VerifyCheckpoint(const std::string& path);

struct FoundCheckpoint {
  std::string path;
  TrainState state;
  std::vector<std::string> skipped;  // why preferred ones were not taken
};

// VerifyCheckpoint, with the path beside the state.
absl::StatusOr<FoundCheckpoint> Verified(const std::string& path);

}  // namespace slimreel

#endif  // TRAINER_CHECKPOINT_ENTRIES_H_
