// Chooses among plans whose time and peaks are predicted: the plans that no other one beats, the
// fastest that fits a budget, the smallest budget that would do, and what else could be had. Pure
// functions of numbers.
#ifndef MEMORY_PLANNER_PLAN_FRONT_H_
#define MEMORY_PLANNER_PLAN_FRONT_H_

#include <cstdint>
#include <limits>
#include <optional>
#include <vector>

namespace slimreel {

// What is predicted for one plan. Only the caller knows the plan itself.
struct PlanOutcome {
  double time_ms = 0.0;  // of a step
  int64_t peak_bytes = 0;
  int64_t host_peak_bytes = 0;
  int64_t micro_batch = 1;
  // 0: the result is that of every other plan with 0. More: it is another one, and plans of a
  // larger number are taken only if none of a smaller number fits.
  int result_change = 0;
  int id = 0;  // the caller's
  friend bool operator==(const PlanOutcome&, const PlanOutcome&) = default;
};

struct PlanBudget {
  int64_t bytes = std::numeric_limits<int64_t>::max();
  int64_t host_bytes = std::numeric_limits<int64_t>::max();
  int max_result_change = 0;  // what the user allows
};

bool Fits(const PlanOutcome& plan, const PlanBudget& budget);

// The plans that no other one equals or beats in time, both peaks and result_change at once, from
// the fastest to the slowest. Of equal plans it holds the one with the largest micro-batch, then
// with the smallest id. Choosing from the front is choosing from all plans, for every budget.
std::vector<PlanOutcome> ParetoFront(std::vector<PlanOutcome> plans);

// The plan of the smallest result_change, then time, peak and host peak, then the largest
// micro-batch, then the smallest id among those that fit. None: nothing fits.
std::optional<PlanOutcome> Choose(const std::vector<PlanOutcome>& plans, const PlanBudget& budget);

// The smallest `bytes` (or `host_bytes`) with which something fits, the rest of `budget` unchanged.
// None: no value helps.
std::optional<int64_t> SmallestBytes(const std::vector<PlanOutcome>& plans, PlanBudget budget);
std::optional<int64_t> SmallestHostBytes(const std::vector<PlanOutcome>& plans, PlanBudget budget);

enum class AlternativeKind {
  kSameResult,     // the least memory over the budget with a smaller result_change
  kFaster,         // the least memory over the budget that makes a step at least 5 % faster
  kSmaller,        // the fastest that leaves at least a quarter of the chosen peak free
  kSmallest,       // the smallest peak
  kAnotherResult,  // the fastest with a larger result_change, allowed or not; at least 5 % faster
};

// A plan that was not chosen, and its price against the chosen one. Less than 0: it saves.
struct Alternative {
  AlternativeKind kind;
  PlanOutcome plan;
  double relative_time = 0.0;  // 0.1: a step takes 10 % longer
  int64_t more_bytes = 0;
  int64_t more_host_bytes = 0;
};

// Up to three distinct alternatives to `chosen`, which is Choose(plans, budget), in the order of
// AlternativeKind. Only kSameResult and kFaster are above the budget.
std::vector<Alternative> Alternatives(const std::vector<PlanOutcome>& plans,
                                      const PlanOutcome& chosen, const PlanBudget& budget);

}  // namespace slimreel

#endif  // MEMORY_PLANNER_PLAN_FRONT_H_
