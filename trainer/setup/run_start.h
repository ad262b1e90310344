// Where a run starts: its training state and its plan, new or from a checkpoint.
//
// Threading: one thread.
#ifndef TRAINER_SETUP_RUN_START_H_
#define TRAINER_SETUP_RUN_START_H_

#include "absl/status/statusor.h"
#include "configs/schema.h"
#include "memory/policy/plan.h"
#include "trainer/checkpoint/train_state.h"
#include "trainer/setup/learner.h"
#include "trainer/setup/run_data.h"
#include "trainer/setup/run_request.h"

namespace slimreel {

struct RunStart {
  TrainState state;
  Plan plan;                  // the configuration's or the checkpoint's; the state stores it too
  bool plan_is_kept = false;  // the checkpoint's plan stays in force
};

// A new run takes the classes and the frame preparation of its data. A run that goes on takes the
// checkpoint's state, and its tensors are copied into the learner's. If the configuration changed
// what is learnt, the optimizer keeps the state that still has a place (RestoreMode::kChanged).
// Every change goes into the state. Errors: the checkpoint's, each with its own code, and those of
// ChooseStartPlan; InvalidArgument if the checkpoint was trained on other classes.
absl::StatusOr<RunStart> MakeRunStart(const Config& config, const RunRequest& request,
                                      const RunData& data, Learner& learner);

}  // namespace slimreel

#endif  // TRAINER_SETUP_RUN_START_H_
