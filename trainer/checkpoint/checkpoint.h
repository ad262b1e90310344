// Saves and restores a run's tensors and state: completely or not at all. CHECKPOINT_FORMAT.md
// specifies the files.
//
// Threading: one thread.
#ifndef TRAINER_CHECKPOINT_CHECKPOINT_H_
#define TRAINER_CHECKPOINT_CHECKPOINT_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "models/chain/model.h"
#include "trainer/checkpoint/train_state.h"
#include "trainer/optim/optimizer.h"

namespace slimreel {

struct SaveRequest {
  std::string run_dir;
  std::string device = "cpu";  // for state.json
  std::string config;          // resolved, YAML
  int64_t keep = 3;            // newest checkpoints to keep; the best of each is kept as well
  const Model* model = nullptr;
  const Optimizer* optimizer = nullptr;
};

// Writes the checkpoint under a temporary name, flushes it to disk and renames it to
// RUN/checkpoints/step_N. From then on it is the run's newest checkpoint, whatever `latest` and
// `best` point to. Returns the state as stored: `files`, `environment` and, if this step is the
// best, `best_model` are filled in. Errors: ResourceExhausted (disk full), PermissionDenied or
// Internal, with the path.
absl::StatusOr<TrainState> PublishCheckpoint(const SaveRequest& request, TrainState state);

// PublishCheckpoint; then makes the links anew and removes old checkpoints. If the process is
// killed at any moment, the complete checkpoints stay, and so does the best of the newest one. It
// takes no tensor memory, except for one tensor at a time that is not on the CPU or not contiguous.
// If memory runs out, the save is done again, once. Returns and errors as PublishCheckpoint, and
// NothingFits: memory ran out again; the checkpoints before are intact.
absl::StatusOr<TrainState> SaveCheckpoint(const SaveRequest& request, const TrainState& state);

enum class RestoreMode {
  kExact,  // names, shapes and types must all be equal
  // For a run that goes on with another configuration. Types are converted. Optimizer state of
  // parameters that are no longer trained is dropped. State that the checkpoint lacks (another
  // optimizer's, that of newly trained parameters, a loss scale) keeps its initial values. The
  // model's names and shapes must be equal as in kExact.
  kChanged,
};

// Copies the tensors of checkpoint folder `path` into the model's parameters and buffers, and into
// the optimizer's state unless `optimizer` is null. It copies one tensor at a time from the mapped
// file, so no second model is held in memory. Returns a line for each kind of state that was
// dropped or kept its initial values; no line with kExact. Errors: InvalidArgument names all
// tensors that do not fit.
absl::StatusOr<std::vector<std::string>> RestoreTensors(const std::string& path, const Model& model,
                                                        Optimizer* optimizer,
                                                        RestoreMode mode = RestoreMode::kExact);

// The environment of this process, as a save would store it.
RunEnvironment CurrentEnvironment(const std::string& device);

}  // namespace slimreel

#endif  // TRAINER_CHECKPOINT_CHECKPOINT_H_
