#include "memory/policy/plan.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "memory/executor/schedule_text.h"

namespace slimreel {

Plan MakePlan(int64_t micro_batch, const std::vector<StageMode>& modes,
              std::vector<std::string> stages) {
  Plan plan;
  plan.micro_batch = micro_batch;
  plan.schedule = MakeSchedule(modes);
  plan.stages = std::move(stages);
  return plan;
}

std::string ScheduleText(const Plan& plan) { return FormatSchedule(plan.schedule, plan.stages); }

std::string DescribePlan(const Plan& plan) {
  return absl::StrCat("micro-batch ", plan.micro_batch, ", schedule ",
                      DescribeSchedule(plan.schedule),
                      plan.release ? ", gradients released early" : "",
                      plan.page_optimizer ? ", optimizer state in host memory" : "",
                      plan.offload_inputs ? ", stage inputs in host memory" : "");
}

}  // namespace slimreel
