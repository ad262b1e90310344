#include "memory/policy/plan.h"

#include "absl/strings/str_cat.h"

namespace slimreel {

std::string DescribePlan(const Plan& plan) {
  return absl::StrCat("micro-batch ", plan.micro_batch, ", schedule ",
                      plan.modes.empty() ? "keep" : FormatStageModes(plan.modes));
}

}  // namespace slimreel
