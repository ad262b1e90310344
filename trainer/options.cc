#include "trainer/options.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "base/mistakes.h"

namespace slimreel {

int64_t BatchLimit::Resolve(int64_t total) const {
  if (batches.has_value()) return std::min(*batches, total);
  return static_cast<int64_t>(std::floor(static_cast<double>(total) * fraction));
}

absl::Status TrainOptions::Validate() const {
  Mistakes mistakes;
  if (step_size.has_value() && schedule != LrSchedule::kStep) {
    mistakes.Add(absl::StrCat("train.step_size is ", *step_size,
                              ", which train.schedule: step alone reads; set that, or leave "
                              "train.step_size out"));
  }
  if (!class_weights.empty() &&
      std::ranges::all_of(class_weights, [](double w) { return w == 0; })) {
    mistakes.Add(
        "train.class_weights are all 0, so nothing would be learnt; allowed are numbers, 0 "
        "or more, one of them more than 0");
  }
  return mistakes.ToStatus();
}

const std::vector<std::string>& BestMetricNames() {
  static const auto* const kNames =
      new std::vector<std::string>{"top1", "top5", "mean_class_accuracy", "loss"};
  return *kNames;
}

absl::Status EvaluationOptions::Validate() const {
  Mistakes mistakes;
  if (strategy == EvaluationStrategy::kSteps && !every_steps.has_value()) {
    mistakes.Add("evaluation.strategy is steps, which needs evaluation.every_steps, 1 or more");
  }
  if (strategy == EvaluationStrategy::kEpoch && every_steps.has_value()) {
    mistakes.Add(absl::StrCat("evaluation.every_steps is ", *every_steps,
                              ", which evaluation.strategy: epoch does not read; set "
                              "evaluation.strategy: steps, or leave evaluation.every_steps out"));
  }
  return mistakes.ToStatus();
}

}  // namespace slimreel
