// Finds the next plan after a plan ran out of memory. The next plan needs less memory and gives
// the same result: exact means come first, then a smaller split, which changes rounding only.
// Pure functions of numbers. Call them outside of any catch block.
#ifndef MEMORY_POLICY_TIGHTEN_H_
#define MEMORY_POLICY_TIGHTEN_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/memory_limits.h"
#include "configs/memory_options.h"
#include "memory/policy/plan.h"

namespace slimreel {

struct TightenLimits {
  // Every micro-batch is a multiple of this and at least this (model.norm_group). 0 means 1.
  int64_t norm_group = 0;
  // memory.allow; only checkpointing and split are read. Checkpointing is also off if
  // model.use_gradient_checkpointing is false.
  AllowedTechniques allow{};
};

// A plan that was predicted before the run.
struct FallbackPlan {
  Plan plan;
  int64_t peak_bytes = 0;  // predicted, of a step
  friend bool operator==(const FallbackPlan&, const FallbackPlan&) = default;
};

// The plan to try after `plan` ran out of memory and needed `needed_bytes` or more (0: not known).
// It is the first of `fallbacks`, or the first of those that need less than was refused. That one
// and those before it are taken off the list. Without fallbacks it is Tighten's. `fallbacks`: in
// falling order of peaks, all below that of `plan`. nullopt: no plan is left to try.
std::optional<Plan> NextPlan(const Plan& plan, int64_t needed_bytes, const TightenLimits& limits,
                             std::vector<FallbackPlan>* fallbacks);

// First every stage checkpointed at the same split, then half the micro-batch, down to norm_group
// or 1. nullopt: no plan is left to try.
std::optional<Plan> Tighten(const Plan& plan, const TightenLimits& limits);

// A plan that ran out of memory.
struct TriedPlan {
  Plan plan;
  // Live + requested bytes when the allocator refused. The plan needs this or more. 0: not known.
  int64_t needed_bytes = 0;
};

// "micro-batch 4, schedule keep (needs at least 1.5 GiB)".
std::string DescribeTriedPlan(const TriedPlan& tried);

// The message of exit code 4: the plans that were tried, in order, with what each needed; why no
// other plan was tried; what may help. `ceiling`: in force; 0 bytes: there was
// no ceiling, so the system itself refused.
std::string NoPlanFitsMessage(const std::vector<TriedPlan>& tried, const TightenLimits& limits,
                              const Ceiling& ceiling);

}  // namespace slimreel

#endif  // MEMORY_POLICY_TIGHTEN_H_
