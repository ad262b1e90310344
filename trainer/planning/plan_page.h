// The plan of a run as a page for people and as plan.json.
//
// Pure functions.
#ifndef TRAINER_PLANNING_PLAN_PAGE_H_
#define TRAINER_PLANNING_PLAN_PAGE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "memory/policy/outside_peaks.h"
#include "memory/policy/plan.h"
#include "trainer/planning/step_prediction.h"

namespace slimreel {

// All that is known about a run's memory before its first step.
struct PlanReport {
  std::string model;
  std::string device;
  int64_t effective_batch = 0;
  Plan plan;
  int64_t budget_bytes = 0;               // in force; 0: none
  int64_t ceiling_bytes = 0;              // 0: unknown
  std::string ceiling_origin;             // "memory.budget", "cgroup v1", ...
  std::optional<PlannedStep> planned;     // none: nothing was predicted for the plan in force
  int64_t predicted_host_peak_bytes = 0;  // resident set; 0: unknown
  // What was given up of the result because nothing fitted, as sentences for people.
  std::vector<std::string> concessions;
  std::optional<OutsidePeaks> outside;  // none: not predicted
  int64_t evaluated_clips = 0;          // at once, for outside->evaluate
  // The device is not there: a name of configs/devices.yaml. Bytes and time are estimates then.
  std::string device_profile;
  std::string smallest_card;  // of that table, for this plan; empty: none
};

// plan.json: trainer/loop/README.md lists the fields.
std::string PlanJson(const PlanReport& report);

// What --plan_only prints: machine and ceiling, where the bytes go, the plan, its predicted peaks
// and step time, and alternatives with their price.
std::string PlanPage(const PlanReport& report);

}  // namespace slimreel

#endif  // TRAINER_PLANNING_PLAN_PAGE_H_
