#include "memory/policy/relax.h"

#include <algorithm>

namespace slimreel {
namespace {

bool WiderPlanFits(const RelaxView& view) {
  if (view.ceiling_bytes <= 0 || view.wider_bytes <= 0) return true;
  return static_cast<double>(view.wider_bytes) <=
         kLargestRelaxedShare * static_cast<double>(view.ceiling_bytes);
}

}  // namespace

RelaxDecision DecideRelax(const RelaxView& view, const RelaxState& state) {
  RelaxDecision decision{.next = state};
  RelaxState& next = decision.next;
  if (view.oom_retries > 0) {
    if (state.on_trial) ++next.failures;
    next.on_trial = false;
  }
  const bool calm = view.oom_retries == 0 && !view.under_pressure;
  if (calm) next.on_trial = false;
  if (!calm || !view.tightened || !WiderPlanFits(view)) {
    next.calm_checkpoints = 0;
    return decision;
  }
  ++next.calm_checkpoints;
  const int64_t needed = kCalmCheckpoints << std::min(next.failures, kMostRelaxDoublings);
  if (next.calm_checkpoints < needed) return decision;
  decision.relax = true;
  next.calm_checkpoints = 0;
  next.on_trial = true;
  return decision;
}

}  // namespace slimreel
