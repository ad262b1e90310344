#include "trainer/loop/plan_in_force.h"

#include <utility>
#include <vector>

#include "base/logging.h"
#include "memory/executor/schedule_text.h"
#include "memory/policy/plan.h"
#include "memory/policy/relax.h"

namespace slimreel {

PlanInForce::PlanInForce(TrainStep* step, TrainState* state, PlanReport report)
    : step_(step), state_(state), plan_(step->plan()), first_(std::move(report)), report_(first_) {}

bool PlanInForce::AfterStep() {
  const bool tightened = step_->plan() != plan_;
  if (tightened) {
    WiderPlan& wider = state_->wider;
    // Only the first plan is worth going back to: those between did not fit either.
    if (wider.micro_batch == 0) {
      wider.micro_batch = plan_.micro_batch;
      wider.schedule = ScheduleText(plan_);
      wider.release = plan_.release;
      wider.peak_bytes = report_.planned ? report_.planned->prediction.peak_bytes : 0;
    }
    report_.plan = plan_ = step_->plan();
    report_.planned.reset();  // nothing was predicted for the plan that a retry found
  }
  state_->micro_batch = plan_.micro_batch;
  state_->schedule = ScheduleText(plan_);
  state_->release = plan_.release;
  return tightened;
}

bool PlanInForce::BeforeCheckpoint(const CheckpointMemory& memory) {
  WiderPlan& wider = state_->wider;
  // It ran out of memory by itself, so it would again.
  const bool above_budget = report_.budget_bytes > 0 && wider.peak_bytes > report_.budget_bytes;
  const RelaxDecision decision =
      DecideRelax({.tightened = wider.micro_batch != 0,
                   .oom_retries = state_->oom_retries - wider.seen_retries,
                   .under_pressure = memory.under_pressure || above_budget,
                   .wider_bytes = wider.peak_bytes,
                   .ceiling_bytes = memory.ceiling_bytes},
                  wider.waiting);
  wider.waiting = decision.next;
  wider.seen_retries = state_->oom_retries;
  if (decision.relax) Relax();
  return decision.relax;
}

void PlanInForce::Relax() {
  WiderPlan& wider = state_->wider;
  Plan plan = plan_;
  const auto schedule = ParseSchedule(wider.schedule, plan.stages);
  CHECK(schedule.ok()) << schedule.status();  // ScheduleText wrote it, or the start has read it
  plan.micro_batch = wider.micro_batch;
  plan.schedule = *schedule;
  plan.release = wider.release;
  LOG(INFO) << "memory is no longer short: from step " << state_->step + 1 << " on the plan is "
            << DescribePlan(plan) << " again, instead of " << DescribePlan(plan_)
            << (plan.micro_batch == plan_.micro_batch ? "; the result stays the same"
                                                      : "; the result changes by rounding");
  report_.plan = plan;
  report_.planned.reset();  // in this process, only the plan of the start was predicted
  std::vector<FallbackPlan> fallbacks;
  if (plan == first_.plan) {
    report_ = first_;
    if (first_.planned) fallbacks = first_.planned->fallbacks;
  }
  step_->set_plan(std::move(plan), std::move(fallbacks));
  plan_ = step_->plan();
  state_->micro_batch = wider.micro_batch;
  state_->schedule = wider.schedule;
  state_->release = plan_.release;
  wider.release = false;
  wider.micro_batch = wider.peak_bytes = 0;
  wider.schedule.clear();
  ++state_->relaxations;
}

}  // namespace slimreel
