// Saving and restoring a run's tensors and state, whole or not at all.
//
// Who calls it: trainer/loop (save), trainer/setup, evaluate and predict (restore).
// Threading: one thread.
#ifndef TRAINER_CHECKPOINT_CHECKPOINT_H_
#define TRAINER_CHECKPOINT_CHECKPOINT_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "models/chain/model.h"
#include "trainer/checkpoint/train_state.h"
#include "trainer/optim/optimizer.h"

namespace slimreel {

struct SaveRequest {
  std::string run_dir;
  std::string device = "cpu";  // for state.json
  int64_t keep = 3;            // newest checkpoints that stay; `best` stays as well
  const Model* model = nullptr;
  const Optimizer* optimizer = nullptr;
};

// Writes RUN/checkpoints/step_N aside, flushes it to disk, renames it, moves `latest`
// (and `best`, where state.best_step is this step) and removes old ones. Killed at any
// moment, it leaves the checkpoints that were complete before. state.files and
// state.environment are filled here. Errors: ResourceExhausted (disk full), PermissionDenied or
// Internal, with the path.
absl::Status SaveCheckpoint(const SaveRequest& request, TrainState state);

// Copies the tensors of checkpoint folder `path` into the model's parameters and
// buffers and, unless null, into the optimizer's state: one tensor at a time out of the
// mapped file, never a second model. Strict: every name must be there with its
// shape and type, and no other. InvalidArgument names the tensors, all at once.
absl::Status RestoreTensors(const std::string& path, const Model& model, Optimizer* optimizer);

// Of this process, as it would be stored now.
RunEnvironment CurrentEnvironment(const std::string& device);

}  // namespace slimreel

#endif  // TRAINER_CHECKPOINT_CHECKPOINT_H_
