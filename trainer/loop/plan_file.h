// RUN/plan.json: the plan in force, for people and tools. A resumed run does not read it: its plan
// is in the checkpoint.
#ifndef TRAINER_LOOP_PLAN_FILE_H_
#define TRAINER_LOOP_PLAN_FILE_H_

#include <string>

#include "absl/status/status.h"
#include "trainer/planning/plan_page.h"

namespace slimreel {

// Replaces the file atomically. PlanJson (trainer/planning/plan_page.h) makes its content.
absl::Status WritePlanFile(const std::string& run_dir, const PlanReport& report);

}  // namespace slimreel

#endif  // TRAINER_LOOP_PLAN_FILE_H_
