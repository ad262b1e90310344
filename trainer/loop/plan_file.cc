#include "trainer/loop/plan_file.h"

#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "base/atomic_file.h"
#include "memory/policy/split.h"

namespace slimreel {

absl::Status WritePlanFile(const std::string& run_dir, const Plan& plan,
                           int64_t effective_batch_size, int64_t budget_bytes) {
  using Json = nlohmann::ordered_json;
  const Json json = {
      {"effective_batch_size", effective_batch_size},
      {"micro_batch_size", plan.micro_batch},
      {"accumulate_grad_batches", NumSplits(effective_batch_size, plan.micro_batch)},
      {"schedule", ScheduleText(plan)},
      {"budget_bytes", budget_bytes > 0 ? Json(budget_bytes) : Json()},
  };
  return WriteFileAtomically(absl::StrCat(run_dir, "/plan.json"), json.dump(2) + "\n");
}

}  // namespace slimreel
