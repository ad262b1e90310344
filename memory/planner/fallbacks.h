// Orders the plans to fall back to if a chosen plan runs out of memory after all. Pure.
#ifndef MEMORY_PLANNER_FALLBACKS_H_
#define MEMORY_PLANNER_FALLBACKS_H_

#include <vector>

#include "memory/planner/plan_front.h"

namespace slimreel {

inline constexpr double kFallbackShare = 0.95;  // of the peak of the one before
// The fastest plans of falling peaks below that of `chosen`: first those of its micro-batch, which
// give the same bits, then those of other ones. Each needs at most kFallbackShare of the peak of
// the one before.
std::vector<PlanOutcome> Fallbacks(const std::vector<PlanOutcome>& plans,
                                   const PlanOutcome& chosen);

}  // namespace slimreel

#endif  // MEMORY_PLANNER_FALLBACKS_H_
