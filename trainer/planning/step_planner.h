// Finds the plan of a run before its first step: the fastest split, schedule and means whose
// predicted peak fits the budget.
//
// Threading: as StepPredictor.
#ifndef TRAINER_PLANNING_STEP_PLANNER_H_
#define TRAINER_PLANNING_STEP_PLANNER_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "configs/memory_options.h"
#include "memory/policy/plan.h"
#include "trainer/planning/step_prediction.h"
#include "trainer/planning/step_predictor.h"

namespace slimreel {

struct PlanningTerms {
  Plan configured;  // what the configuration asks for; the largest micro-batch of all plans
  bool schedule_is_free = true;  // memory.schedule=auto: any schedule may be taken
  int64_t effective_batch = 1;
  int64_t min_micro_batch = 0;  // micro-batches are multiples of it; 0: no such bound
  AllowedTechniques allow;
  bool can_release =
      false;  // the run's options let a step update parameters while it goes backward
  // Host memory that the optimizer's state and stage inputs may take; 0: they stay on the device.
  int64_t host_bytes = 0;
  double link_bytes_per_ms = 0.0;  // between host and device, for the time of paging; 0: free
  int64_t budget_bytes = 0;        // 0: none
  // True: all plans are compared. False: the configured plan is taken if it fits.
  bool search = true;
  // False: the chosen plan's micro-batches are not measured themselves; the line is good enough.
  bool measure_chosen = true;
};

// The fastest plan that fits; the configured one if it fits and is as fast. Without a budget it is
// the configured one. The chosen plan's own micro-batches are measured, so its peak is exact.
//
// Errors: NothingFits (exit code 4) with the smallest budget that would do, and what each means
// that is not allowed would save.
absl::StatusOr<PlannedStep> PlanSteps(StepPredictor& predictor, const PlanningTerms& terms);

// The micro-batches that plans may have, from the configured one down: halves, each a multiple of
// `min_micro_batch` and no smaller.
std::vector<int64_t> MicroBatchSizes(const PlanningTerms& terms);

}  // namespace slimreel

#endif  // TRAINER_PLANNING_STEP_PLANNER_H_
