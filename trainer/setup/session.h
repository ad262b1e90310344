// All parts of a training run, made from a configuration and, where the run goes
// on, from a checkpoint.
//
// Ownership: the session owns every part; they borrow
// from each other, so it does not move.
#ifndef TRAINER_SETUP_SESSION_H_
#define TRAINER_SETUP_SESSION_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "configs/schema.h"
#include "trainer/checkpoint/folder.h"
#include "trainer/checkpoint/trained_on.h"
#include "trainer/loop/trainer.h"
#include "trainer/setup/batch_terms.h"
#include "trainer/setup/config_change.h"

namespace slimreel {

struct Session {
  TrainerSettings settings;
  TrainState state;
  BatchTerms batch;
  std::unique_ptr<Loader> train_loader;
  std::unique_ptr<Loader> val_loader;
  std::unique_ptr<Model> model;
  std::unique_ptr<Executor> executor;
  std::unique_ptr<Optimizer> optimizer;
  std::unique_ptr<TrainStep> step;
  std::unique_ptr<Evaluator> evaluator;  // null: no evaluation
  SampleIds trained_on;                  // data.train's, and what the run learnt from before

  TrainerParts parts() const;
};

struct MemoryCeiling {
  int64_t budget_bytes = 0;   // in force; 0: none
  int64_t ceiling_bytes = 0;  // lowest of budget, device, control groups, rlimits; 0: not known
};

// Opens the data, builds the model, loads model.weights or the checkpoint, makes the
// optimizer's state. A budget must be in force before the call, so that all of it counts.
// `changes` since the checkpoint go into the state; where they change what is learnt, the
// optimizer takes over the state that still has a place (RestoreMode::kChanged).
// Errors: the loader's, the factory's, the checkpoint's, each with its own code; InvalidArgument
// where data.val holds samples that the run learns from.
absl::StatusOr<std::unique_ptr<Session>> MakeSession(
    const Config& config, const std::string& run_dir, const std::optional<FoundCheckpoint>& start,
    const ConfigChanges& changes, at::Device device, const MemoryCeiling& ceiling);

// The run folder's files and, unless trainer.progress is off, the progress line.
absl::StatusOr<std::vector<std::unique_ptr<Observer>>> MakeObservers(const Config& config,
                                                                     const Session& session);

}  // namespace slimreel

#endif  // TRAINER_SETUP_SESSION_H_
