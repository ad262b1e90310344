// All parts of a training run, made from a configuration and, if the run goes on, from a
// checkpoint.
//
// Threading: one thread. Ownership: a session owns its parts. They borrow from each other on the
// heap, so a session may be moved.
#ifndef TRAINER_SETUP_SESSION_H_
#define TRAINER_SETUP_SESSION_H_

#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "configs/schema.h"
#include "trainer/loop/trainer.h"
#include "trainer/report/step_recorder.h"
#include "trainer/setup/learner.h"
#include "trainer/setup/run_data.h"
#include "trainer/setup/run_memory.h"
#include "trainer/setup/run_request.h"

namespace slimreel {

struct Session {
  Learner learner;
  RunData data;
  TrainState state;
  std::unique_ptr<TrainStep> step;
  TrainerSettings settings;
  std::unique_ptr<StepRecorder> recorder;  // of one step; the step calls it
  std::unique_ptr<Evaluator> evaluator;    // null: no evaluation
  RunMemory memory;                        // the last member: its thread uses the loaders

  TrainerParts parts() const;
};

// Makes the learner, opens the data, finds where the run starts, and makes the step and the
// trainer's settings from them, in this order. A budget must be in force before the call, so that
// all of it counts. Errors: those of MakeLearner, OpenRunData and MakeRunStart; InvalidArgument if
// no batch is left to train or evaluate on, or a normalisation group is too small.
absl::StatusOr<Session> MakeSession(const Config& config, RunRequest request);

// Writers of the run folder's files and, unless trainer.progress is off, the progress line.
absl::StatusOr<std::vector<std::unique_ptr<Observer>>> MakeObservers(const Config& config,
                                                                     const Session& session);

}  // namespace slimreel

#endif  // TRAINER_SETUP_SESSION_H_
