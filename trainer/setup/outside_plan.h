// Predicts the peaks of memory outside of the step before the run, and refuses a run in which one
// of them cannot fit.
//
// Threading: one thread, before the loaders make batches.
#ifndef TRAINER_SETUP_OUTSIDE_PLAN_H_
#define TRAINER_SETUP_OUTSIDE_PLAN_H_

#include <cstdint>

#include "absl/status/status.h"
#include "configs/schema.h"
#include "memory/policy/outside_peaks.h"
#include "trainer/planning/plan_page.h"
#include "trainer/setup/learner.h"
#include "trainer/setup/run_data.h"
#include "trainer/setup/run_request.h"

namespace slimreel {

// Fills in report->outside for the plan in `report`, and logs it. `learner_bytes`: tensors on the
// device when the learner was restored and before the step was made. If the evaluation does not fit
// the ceiling, the batch of data->val is halved until it does. Errors: NothingFits (exit code 4).
absl::Status PlanOutside(const Config& config, const RunRequest& request, const Learner& learner,
                         int64_t learner_bytes, RunData* data, PlanReport* report);

// NothingFits if a phase is predicted to pass the ceiling. 0 bytes: there is none.
absl::Status CheckOutsidePeaks(const OutsidePeaks& peaks, const Ceiling& ceiling);

}  // namespace slimreel

#endif  // TRAINER_SETUP_OUTSIDE_PLAN_H_
