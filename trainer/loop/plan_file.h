// RUN/plan.json: the plan in force, for people and tools. A resumed run does not read it: its plan
// is in the checkpoint.
#ifndef TRAINER_LOOP_PLAN_FILE_H_
#define TRAINER_LOOP_PLAN_FILE_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "memory/policy/plan.h"

namespace slimreel {

// {"effective_batch_size", "micro_batch_size", "accumulate_grad_batches", "schedule",
// "budget_bytes" (null: none)}. Replaces the file atomically.
absl::Status WritePlanFile(const std::string& run_dir, const Plan& plan,
                           int64_t effective_batch_size, int64_t budget_bytes);

}  // namespace slimreel

#endif  // TRAINER_LOOP_PLAN_FILE_H_
