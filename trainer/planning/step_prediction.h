// What is predicted of a training step, and the plan that was chosen by it. Plain data.
#ifndef TRAINER_PLANNING_STEP_PREDICTION_H_
#define TRAINER_PLANNING_STEP_PREDICTION_H_

#include <cstdint>
#include <string>
#include <vector>

#include "memory/policy/plan.h"
#include "memory/policy/tighten.h"
#include "memory/tracking/memory_tag.h"

namespace slimreel {

struct StepPrediction {
  int64_t peak_bytes = 0;       // of tensors on the device, in a step; the sum of `by_tag`
  BytesByTag by_tag{};          // at the moment of the peak
  int64_t host_bytes = 0;       // what the plan takes off the device into host memory
  int64_t offloaded_bytes = 0;  // of it: stage inputs
  double step_ms = 0.0;
};

// Another plan, and what it has over the chosen one.
struct PlanAlternative {
  Plan plan;
  StepPrediction prediction;
  std::string what;  // "the smallest peak"
};

// A plan with all that is known about it before the run.
struct PlannedStep {
  Plan plan;
  StepPrediction prediction;
  // The smallest budget for which the allowed means give a plan. 0: only the configured plan was
  // looked at.
  int64_t smallest_budget_bytes = 0;
  std::vector<PlanAlternative> alternatives;
  // What to try if the plan runs out of memory after all, in falling order of peaks. Empty: only
  // the configured plan was looked at.
  std::vector<FallbackPlan> fallbacks;
  double measuring_ms = 0.0;
};

}  // namespace slimreel

#endif  // TRAINER_PLANNING_STEP_PREDICTION_H_
