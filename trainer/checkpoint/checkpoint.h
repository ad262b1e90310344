// Saving and restoring a run's tensors and state, whole or not at all.
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
  int64_t keep = 3;            // newest checkpoints that stay; the best of each stays as well
  const Model* model = nullptr;
  const Optimizer* optimizer = nullptr;
};

// Writes RUN/checkpoints/step_N aside, flushes it to disk and renames it: from then on it is the
// run's newest checkpoint, whatever `latest` and `best` say. Returns the state as it was stored:
// files, environment and, where this step is the best, best_model are filled here. Errors:
// ResourceExhausted (disk full), PermissionDenied or Internal, with the path.
absl::StatusOr<TrainState> PublishCheckpoint(const SaveRequest& request, TrainState state);

// Publishes, makes the links anew and removes old checkpoints. Killed at any moment, it leaves
// the checkpoints that were complete before, and what the newest one calls the best. Returns and
// errors as PublishCheckpoint.
absl::StatusOr<TrainState> SaveCheckpoint(const SaveRequest& request, TrainState state);

enum class RestoreMode {
  kExact,  // every name must be there with its shape and type, and no other
  // Of a run that goes on with another configuration. Types are converted. Optimizer state of
  // parameters that are not trained any more is left out; what the checkpoint lacks
  // (another optimizer's state, newly trained parameters, a loss scale) stays as the optimizer
  // was made. The model's names and shapes must be there as in kExact.
  kChanged,
};

// Copies the tensors of checkpoint folder `path` into the model's parameters and
// buffers and, unless null, into the optimizer's state: one tensor at a time out of the
// mapped file, never a second model. Returns a line for each kind of state that was left out or
// stayed as it was; none with kExact. InvalidArgument names the tensors that do not fit, all at
// once.
absl::StatusOr<std::vector<std::string>> RestoreTensors(const std::string& path, const Model& model,
                                                        Optimizer* optimizer,
                                                        RestoreMode mode = RestoreMode::kExact);

// Of this process, as it would be stored now.
RunEnvironment CurrentEnvironment(const std::string& device);

}  // namespace slimreel

#endif  // TRAINER_CHECKPOINT_CHECKPOINT_H_
