#include "trainer/loop/run_length.h"

#include <algorithm>

#include "memory/policy/split.h"

namespace slimreel {

RunLength MakeRunLength(const RunLengthRequest& request) {
  const LoaderPosition at = InEpoch(request.position, request.epoch_samples);
  RunLength length{.epoch_samples = request.epoch_samples, .total_steps = request.steps_done};
  if (at.epoch < request.train.max_epochs) {
    const int64_t of_epoch = NumSplits(request.epoch_samples, request.effective_batch);
    length.total_steps +=
        NumSplits(request.epoch_samples - at.next_sample, request.effective_batch) +
        (request.train.max_epochs - at.epoch - 1) * of_epoch;
  }
  if (request.train.max_steps) {
    length.total_steps = std::min(length.total_steps, *request.train.max_steps);
  }
  return length;
}

LoaderPosition InEpoch(const LoaderPosition& position, int64_t epoch_samples) {
  if (position.next_sample < epoch_samples) return position;
  return {.epoch = position.epoch + 1, .next_sample = 0};
}

bool EvaluationDue(const EvaluationOptions& options, const RunLength& length, int64_t step,
                   bool epoch_ended) {
  if (options.strategy == EvaluationStrategy::kNo || step == 0) return false;
  if (step == length.total_steps) return true;
  if (options.strategy == EvaluationStrategy::kEpoch) return epoch_ended;
  return options.every_steps && step % *options.every_steps == 0;
}

bool CheckpointDue(const CheckpointOptions& options, int64_t step, double minutes_since_last) {
  if (options.every_steps && step % *options.every_steps == 0) return true;
  return options.every_minutes && minutes_since_last >= *options.every_minutes;
}

}  // namespace slimreel
