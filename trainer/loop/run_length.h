// How long a run is, and when evaluations and checkpoints are due: pure functions
// of the configuration and the step.
#ifndef TRAINER_LOOP_RUN_LENGTH_H_
#define TRAINER_LOOP_RUN_LENGTH_H_

#include <cstdint>

#include "trainer/options.h"

namespace slimreel {

struct RunLength {
  int64_t steps_per_epoch = 1;
  int64_t total_steps = 0;
};

// `max_steps` <= 0: none. Whichever of the two comes first ends the run.
RunLength MakeRunLength(int64_t steps_per_epoch, int64_t max_epochs, int64_t max_steps);

struct EvaluationTimes {
  EvaluationStrategy strategy = EvaluationStrategy::kEpoch;
  int64_t every_steps = 0;
};

// Whether an evaluation follows optimizer step `step` (counted from 1). The
// last step of a run is always evaluated, unless the strategy is kNo.
bool EvaluationDue(const EvaluationTimes& times, const RunLength& length, int64_t step);

struct CheckpointTimes {
  int64_t every_steps = 0;      // 0: no step rule
  double every_minutes = 10.0;  // 0: no time rule
};

// `minutes_since_last` counts from the last save or the start.
bool CheckpointDue(const CheckpointTimes& times, int64_t step, double minutes_since_last);

}  // namespace slimreel

#endif  // TRAINER_LOOP_RUN_LENGTH_H_
