// The plan that a run starts with: the configuration's, or the one that its checkpoint learnt from
// a tight budget.
//
// Free functions without state. They log what changes.
#ifndef TRAINER_SETUP_START_PLAN_H_
#define TRAINER_SETUP_START_PLAN_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "configs/schema.h"
#include "memory/executor/schedule.h"
#include "memory/policy/plan.h"
#include "trainer/checkpoint/train_state.h"
#include "trainer/setup/batch_terms.h"
#include "trainer/setup/run_request.h"

namespace slimreel {

struct StartPlan {
  Plan plan;
  bool is_kept = false;            // it is the checkpoint's, and stays in force
  PlanTerms terms;                 // what the plan was made under
  WiderPlan wider;                 // what it may be relaxed to; of a kept plan only
  std::vector<std::string> notes;  // what the checkpoint's plan lost: lines for TrainState::changes
};

// One mode for each of `num_stages` stages (without the loss), from memory.schedule and
// model.use_gradient_checkpointing. InvalidArgument: the two contradict each other, or the words do
// not parse.
absl::StatusOr<std::vector<StageMode>> ConfiguredModes(const Config& config, int num_stages);

// A new run takes the configuration's plan. A run that goes on keeps its checkpoint's plan as long
// as what it was made under is unchanged (plan_terms.h); otherwise the configuration's plan wins.
// A kept plan is fitted to the batch terms and the stages. `stages`: names of the
// scheduled stages, with the loss. Errors: those of ConfiguredModes.
absl::StatusOr<StartPlan> ChooseStartPlan(const Config& config, const RunRequest& request,
                                          const BatchTerms& batch,
                                          const std::vector<std::string>& stages);

}  // namespace slimreel

#endif  // TRAINER_SETUP_START_PLAN_H_
