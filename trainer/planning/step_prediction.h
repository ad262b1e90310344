// What is predicted of a training step. Plain data.
#ifndef TRAINER_PLANNING_STEP_PREDICTION_H_
#define TRAINER_PLANNING_STEP_PREDICTION_H_

#include <cstdint>
#include <string>
#include <vector>

#include "memory/policy/plan.h"

namespace slimreel {

// Bytes of tensors on the device, by what they are for.
struct BytesByTag {
  int64_t parameters = 0;  // with buffers
  int64_t gradients = 0;
  int64_t optimizer = 0;
  int64_t activations = 0;
  int64_t input = 0;
  int64_t other = 0;
  friend bool operator==(const BytesByTag&, const BytesByTag&) = default;
};

struct StepPrediction {
  int64_t peak_bytes = 0;  // of the device, in a step; the sum of `bytes`
  BytesByTag bytes;        // at the moment of the peak
  double step_ms = 0.0;
};

// Another plan, and its price against the chosen one.
struct PlanAlternative {
  Plan plan;
  StepPrediction prediction;
  std::string what;  // "the smallest peak"
};

// A plan with all that is known about it before the run.
struct PlannedStep {
  Plan plan;
  StepPrediction prediction;
  // The smallest budget for which a plan exists, with the means that are allowed.
  int64_t smallest_budget_bytes = 0;
  std::vector<PlanAlternative> alternatives;
  double measuring_ms = 0.0;
};

}  // namespace slimreel

#endif  // TRAINER_PLANNING_STEP_PREDICTION_H_
