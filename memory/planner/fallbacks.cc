#include "memory/planner/fallbacks.h"

#include <cstdint>

namespace slimreel {

std::vector<PlanOutcome> Fallbacks(const std::vector<PlanOutcome>& plans,
                                   const PlanOutcome& chosen) {
  std::vector<PlanOutcome> fallbacks;
  int64_t last_bytes = chosen.peak_bytes;
  for (const bool same_split : {true, false}) {
    std::vector<PlanOutcome> of_split;
    for (const PlanOutcome& plan : plans) {
      const bool same = plan.micro_batch == chosen.micro_batch;
      if (same == same_split && plan.result_change <= chosen.result_change) {
        of_split.push_back(plan);
      }
    }
    // From the fastest to the slowest, so the peaks fall.
    for (const PlanOutcome& plan : ParetoFront(of_split)) {
      const double most = kFallbackShare * static_cast<double>(last_bytes);
      if (static_cast<double>(plan.peak_bytes) > most) continue;
      fallbacks.push_back(plan);
      last_bytes = plan.peak_bytes;
    }
  }
  return fallbacks;
}

}  // namespace slimreel
