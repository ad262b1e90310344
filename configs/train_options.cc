#include "configs/train_options.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/mistakes.h"

namespace slimreel {

absl::Status TrainOptions::Validate() const {
  Mistakes mistakes;
  if (step_size.has_value() && schedule != LrSchedule::kStep) {
    mistakes.Add(absl::StrCat("train.step_size is ", *step_size,
                              ", but only train.schedule: step uses it; set that schedule, or "
                              "leave train.step_size out"));
  }
  if (!class_weights.empty() &&
      std::ranges::all_of(class_weights, [](double w) { return w == 0; })) {
    mistakes.Add(
        "train.class_weights are all 0, so nothing would be learnt; allowed are numbers, 0 or "
        "more, with at least one more than 0");
  }
  return mistakes.ToStatus();
}

}  // namespace slimreel
