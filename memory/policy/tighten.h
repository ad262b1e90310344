// What a step does when its plan ran out of memory: the next plan that asks for
// less and gives the same result. Exact means come first, then the split, which
// changes rounding only. Pure numbers; called by the trainer outside of any catch.
#ifndef MEMORY_POLICY_TIGHTEN_H_
#define MEMORY_POLICY_TIGHTEN_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "memory/policy/plan.h"

namespace slimreel {

struct TightenLimits {
  // Smallest allowed micro-batch and what all are multiples of (model.norm_group); 0: 1.
  int64_t norm_group = 0;
  bool allow_checkpointing = true;  // memory.allow, model.use_gradient_checkpointing
  bool allow_split = true;          // memory.allow
};

// Every stage checkpointed at the same split; then half the micro-batch, down to
// norm_group or 1. nullopt: nothing is left to try.
std::optional<Plan> Tighten(const Plan& plan, const TightenLimits& limits);

// A plan that ran out of memory.
struct TriedPlan {
  Plan plan;
  // What was live, with what was asked for, when the allocator refused: the plan
  // needs this or more. 0: not known.
  int64_t needed_bytes = 0;
};

// "micro-batch 4, schedule keep (needs at least 1.5 GiB)".
std::string DescribeTriedPlan(const TriedPlan& tried);

// For the message of exit code 4: the plans that were tried, in order, and what
// each had come to need, why no other was tried, and what may make one fit.
// budget_bytes: the ceiling in force; 0: none, so that the system itself refused.
std::string NoPlanFitsMessage(const std::vector<TriedPlan>& tried, const TightenLimits& limits,
                              int64_t budget_bytes);

}  // namespace slimreel

#endif  // MEMORY_POLICY_TIGHTEN_H_
