// RUN/checkpoints: which checkpoints are there, which are intact, where `latest`
// and `best` point, and which may go. Files and names only, no tensor.
//
//   step_00000100/{model.safetensors, optimizer.safetensors, config.yaml, state.json}
//   latest -> step_00000100     best -> step_00000080     (relative symbolic links)
//
// Threading: one thread; one process writes a folder at a time.
#ifndef TRAINER_CHECKPOINT_FOLDER_H_
#define TRAINER_CHECKPOINT_FOLDER_H_

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

// Published checkpoints under `folder`, newest first; empty where there is no folder.
std::vector<CheckpointEntry> ListCheckpoints(const std::string& folder);

// Reads state.json and compares size and hash of every file that it names.
// Errors: DataLoss or NotFound, naming the file and what is wrong.
absl::StatusOr<TrainState> VerifyCheckpoint(const std::string& path);

struct FoundCheckpoint {
  std::string path;
  TrainState state;
  std::vector<std::string> skipped;  // preferred ones that are damaged, with the reason
};

// The newest intact checkpoint. NotFound: there is none at all; DataLoss: there are, but
// each is damaged (the message names them all).
absl::StatusOr<FoundCheckpoint> FindNewestIntact(const std::string& folder);

// `which` is best, latest, the name of a checkpoint of the run (step_00000100), or a path (of a
// checkpoint or of a run folder). DataLoss: no intact one, or none at all. `latest` falls back
// as FindNewestIntact does; `best` falls back to it where no evaluation has named one, or where it
// is damaged.
absl::StatusOr<FoundCheckpoint> FindCheckpoint(const std::string& run_dir,
                                               const std::string& which);

// Makes `link` (latest, best) point to checkpoint `name`, atomically.
absl::Status PointTo(const std::string& folder, const std::string& link, const std::string& name);

// Removes all but the newest `keep` checkpoints; those that `latest` and `best`
// point to stay. Leftovers of saves that were cut off go, too.
absl::Status PruneCheckpoints(const std::string& folder, int64_t keep);

}  // namespace slimreel

#endif  // TRAINER_CHECKPOINT_FOLDER_H_
