// Turns a measured profile into the costs that the optimal schedules of a chain are computed from.
// Pure functions of numbers.
//
// The costs round what a profile knows exactly: they do not know that a stage's input may die
// early, or that gradients of parameters pile up. So schedules are computed from costs, and their
// peaks by replay (memory/profile/replay.h).
#ifndef MEMORY_PLANNER_STAGE_COSTS_H_
#define MEMORY_PLANNER_STAGE_COSTS_H_

#include <vector>

#include "memory/planner/optimal_schedule.h"
#include "memory/profile/chain_profile.h"

namespace slimreel {

// One entry per scheduled stage, the loss is the last. With `with_lean` false no stage has a lean
// form.
std::vector<StageCosts> CostsOf(const ChainProfile& profile, bool with_lean);

// The same bytes, with times that no measurement disturbs: what is fastest under them follows from
// bytes alone, so two profiles of the same bytes have the same schedules.
std::vector<StageCosts> WithFixedTimes(std::vector<StageCosts> costs);

}  // namespace slimreel

#endif  // MEMORY_PLANNER_STAGE_COSTS_H_
