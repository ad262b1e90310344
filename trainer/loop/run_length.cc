#include "trainer/loop/run_length.h"

#include <algorithm>

#include "memory/policy/split.h"

namespace slimreel {

RunLength MakeRunLength(const RunLengthRequest& request) {
  const LoaderPosition at = InEpoch(request.position, request.epoch_samples);
  RunLength length{.epoch_samples = request.epoch_samples, .total_steps = request.steps_done};
  if (at.epoch < request.max_epochs) {
    const int64_t of_epoch = NumSplits(request.epoch_samples, request.effective_batch);
    length.total_steps +=
        NumSplits(request.epoch_samples - at.next_sample, request.effective_batch) +
        (request.max_epochs - at.epoch - 1) * of_epoch;
  }
  if (request.max_steps > 0) length.total_steps = std::min(length.total_steps, request.max_steps);
  return length;
}

LoaderPosition InEpoch(const LoaderPosition& position, int64_t epoch_samples) {
  if (position.next_sample < epoch_samples) return position;
  return {.epoch = position.epoch + 1, .next_sample = 0};
}

bool EvaluationDue(const EvaluationTimes& times, const RunLength& length, int64_t step,
                   bool epoch_ended) {
  if (times.strategy == EvaluationStrategy::kNo || step == 0) return false;
  if (step == length.total_steps) return true;
  if (times.strategy == EvaluationStrategy::kEpoch) return epoch_ended;
  return times.every_steps > 0 && step % times.every_steps == 0;
}

bool CheckpointDue(const CheckpointTimes& times, int64_t step, double minutes_since_last) {
  if (times.every_steps > 0 && step % times.every_steps == 0) return true;
  return times.every_minutes > 0.0 && minutes_since_last >= times.every_minutes;
}

}  // namespace slimreel
