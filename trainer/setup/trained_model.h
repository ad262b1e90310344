// Loads a trained model from a run folder, for evaluate and predict.
//
// Threading: one thread. Ownership: a TrainedModel owns its model.
#ifndef TRAINER_SETUP_TRAINED_MODEL_H_
#define TRAINER_SETUP_TRAINED_MODEL_H_

#include <c10/core/Device.h>

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "base/memory_limits.h"
#include "configs/schema.h"
#include "models/chain/model.h"
#include "trainer/checkpoint/folder.h"

namespace slimreel {

struct TrainedModel {
  Config config;  // made of the run's and the checkpoint's (inference_config.h)
  FoundCheckpoint checkpoint;
  std::unique_ptr<Model> model;
  at::Device device = at::kCPU;
  Ceiling ceiling;  // of the device, as in RunRequest
};

// `checkpoint` is best, latest or a path. Puts the ceiling in force first. Errors: NotFound (no
// run, no checkpoint); DataLoss (damaged).
absl::StatusOr<TrainedModel> LoadTrainedModel(const std::string& run_dir,
                                              const std::string& checkpoint);

}  // namespace slimreel

#endif  // TRAINER_SETUP_TRAINED_MODEL_H_
