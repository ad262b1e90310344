#include "trainer/options.h"

#include <algorithm>
#include <cmath>

namespace slimreel {

int64_t BatchLimit::Resolve(int64_t total) const {
  if (batches.has_value()) return std::min(*batches, total);
  return static_cast<int64_t>(std::floor(static_cast<double>(total) * fraction));
}

absl::Status EvaluationOptions::Validate() const {
  if (strategy == EvaluationStrategy::kSteps && !every_steps.has_value()) {
    return absl::InvalidArgumentError(
        "evaluation.strategy is steps, which needs evaluation.every_steps, 1 or more");
  }
  return absl::OkStatus();
}

}  // namespace slimreel
