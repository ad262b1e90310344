// Plans a run before its first step, or predicts the plan that its checkpoint brings.
//
// Threading: one thread, before the loaders make batches.
#ifndef TRAINER_SETUP_RUN_PLAN_H_
#define TRAINER_SETUP_RUN_PLAN_H_

#include "absl/status/statusor.h"
#include "configs/schema.h"
#include "trainer/loop/train_step.h"
#include "trainer/planning/plan_page.h"
#include "trainer/setup/learner.h"
#include "trainer/setup/run_data.h"
#include "trainer/setup/run_request.h"
#include "trainer/setup/run_start.h"

namespace slimreel {

// Measures the model's stages and chooses the plan. `step`: the options of the steps to come.
// `start.plan` is what the configuration asks for, or a checkpoint's plan that stays in force
// (start.plan_is_kept): then it is only predicted. All that lives during a step must exist already,
// except for the inputs of a batch. Errors: NothingFits (exit code 4).
absl::StatusOr<PlanReport> PlanRun(const Config& config, const RunRequest& request,
                                   const Learner& learner, const RunData& data,
                                   const TrainStepOptions& step, const RunStart& start);

}  // namespace slimreel

#endif  // TRAINER_SETUP_RUN_PLAN_H_
