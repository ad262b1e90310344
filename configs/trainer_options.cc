#include "configs/trainer_options.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "base/mistakes.h"

namespace slimreel {

int64_t BatchLimit::Resolve(int64_t total) const {
  if (batches.has_value()) return std::min(*batches, total);
  return static_cast<int64_t>(std::floor(static_cast<double>(total) * fraction));
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
                              ", but evaluation.strategy: epoch does not use it; set "
                              "evaluation.strategy: steps, or leave evaluation.every_steps out"));
  }
  return mistakes.ToStatus();
}

}  // namespace slimreel
