#include "trainer/loop/run_length.h"

#include <algorithm>

namespace slimreel {

RunLength MakeRunLength(int64_t steps_per_epoch, int64_t max_epochs, int64_t max_steps) {
  RunLength length;
  length.steps_per_epoch = std::max<int64_t>(1, steps_per_epoch);
  length.total_steps = length.steps_per_epoch * max_epochs;
  if (max_steps > 0) length.total_steps = std::min(length.total_steps, max_steps);
  return length;
}

bool EvaluationDue(const EvaluationTimes& times, const RunLength& length, int64_t step) {
  if (times.strategy == EvaluationStrategy::kNo || step == 0) return false;
  if (step == length.total_steps) return true;
  if (times.strategy == EvaluationStrategy::kEpoch) return step % length.steps_per_epoch == 0;
  return times.every_steps > 0 && step % times.every_steps == 0;
}

bool CheckpointDue(const CheckpointTimes& times, int64_t step, double minutes_since_last) {
  if (times.every_steps > 0 && step % times.every_steps == 0) return true;
  return times.every_minutes > 0.0 && minutes_since_last >= times.every_minutes;
}

}  // namespace slimreel
