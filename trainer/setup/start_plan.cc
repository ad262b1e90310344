#include "trainer/setup/start_plan.h"

#include <algorithm>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/logging.h"
#include "base/status_macros.h"
#include "memory/executor/schedule_text.h"
#include "trainer/setup/plan_terms.h"

namespace slimreel {
namespace {

void Note(const std::string& what, const TrainState& state, StartPlan& start) {
  LOG(WARNING) << what;
  start.notes.push_back(absl::StrCat("step ", state.step, ": ", what));
}

// Puts the checkpoint's plan into `start`, which holds the configuration's. Parts that no longer
// have a place stay the configuration's, and a note says so.
absl::Status KeepPlan(const TrainState& state, const BatchTerms& batch, bool config_changed,
                      StartPlan& start) {
  const Plan configured = start.plan;
  start.plan.micro_batch = FitMicroBatch(state.micro_batch, batch);
  const auto stored = ParseSchedule(state.schedule, start.plan.stages);
  if (!stored.ok() && !config_changed) return stored.status();
  if (stored.ok()) start.plan.schedule = *stored;
  start.plan.release = state.release;
  start.plan.page_optimizer = state.page_optimizer;
  start.plan.offload_inputs = state.offload_inputs;
  if (start.plan != configured) {
    LOG(WARNING) << "the checkpoint's plan stays in force: " << DescribePlan(start.plan)
                 << "; the configuration's would be " << DescribePlan(configured);
  }
  // A list has one word per stage that learns: freezing and thawing change their number.
  if (!stored.ok()) {
    Note(absl::StrCat("the checkpoint's schedule ", state.schedule, " does not fit ",
                      start.terms.num_stages,
                      " stages and gives way to the configuration's: ", ScheduleText(start.plan)),
         state, start);
  }
  if (start.plan.micro_batch != state.micro_batch) {
    Note(absl::StrCat("the checkpoint's micro-batch of ", state.micro_batch, " becomes ",
                      start.plan.micro_batch, ": normalisation groups have ",
                      std::max<int64_t>(1, batch.min_micro_batch), " samples, the effective batch ",
                      batch.effective_batch),
         state, start);
  }
  return absl::OkStatus();
}

// What a kept plan may be relaxed to. It was true of the plan in the checkpoint.
WiderPlan KeepWider(const TrainState& state, const BatchTerms& batch, bool config_changed,
                    const StartPlan& start) {
  WiderPlan wider = state.wider;
  if (wider.micro_batch == 0) return wider;
  if (start.notes.empty() && FitMicroBatch(wider.micro_batch, batch) == wider.micro_batch &&
      ParseSchedule(wider.schedule, start.plan.stages).ok()) {
    if (config_changed) wider.peak_bytes = 0;  // other shapes take other bytes
    return wider;
  }
  LOG(INFO) << "the plan from before the out of memory (micro-batch " << wider.micro_batch
            << ", schedule " << wider.schedule << ") has no place in this configuration";
  WiderPlan none;
  none.seen_retries = wider.seen_retries;
  return none;
}

bool IsPlanOf(const TrainState& state, const StartPlan& start) {
  const auto stored = ParseSchedule(state.schedule, start.plan.stages);
  return state.micro_batch == start.plan.micro_batch && state.release == start.plan.release &&
         state.page_optimizer == start.plan.page_optimizer &&
         state.offload_inputs == start.plan.offload_inputs && stored.ok() &&
         *stored == start.plan.schedule;
}

// `start` holds the configuration's plan. What a budget has taught the checkpoint's plan is kept
// unless the terms changed.
absl::Status ContinuePlan(const RunRequest& request, const BatchTerms& batch, StartPlan& start) {
  const TrainState& state = request.start->state;
  PlanTerms made_under = state.plan_terms;
  if (made_under.keys.empty() && request.changes.before) {
    made_under.keys = PlanKeys(*request.changes.before);
  }
  start.wider.seen_retries = state.oom_retries;
  const std::vector<std::string> changed = ChangedTerms(made_under, start.terms);
  if (changed.empty()) {
    // The ceiling of the first run stays on record, so that small drifts do not add up unseen.
    if (made_under.ceiling_bytes != 0) start.terms.ceiling_bytes = made_under.ceiling_bytes;
    start.is_kept = true;
    SLIMREEL_RETURN_IF_ERROR(KeepPlan(state, batch, request.changes.changes_result, start));
    start.wider = KeepWider(state, batch, request.changes.changes_result, start);
    return absl::OkStatus();
  }
  if (IsPlanOf(state, start)) return absl::OkStatus();
  Note(
      absl::StrCat("the checkpoint's plan (micro-batch ", state.micro_batch, ", schedule ",
                   state.schedule, ") gives way to the configuration's (", DescribePlan(start.plan),
                   "), because since it was made this changed: ", absl::StrJoin(changed, "; ")),
      state, start);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::vector<StageMode>> ConfiguredModes(const Config& config, int num_stages) {
  std::string words = config.memory.schedule;
  if (words == "auto") {
    words = config.model.use_gradient_checkpointing.value_or(false) ? "checkpoint" : "keep";
  }
  SLIMREEL_ASSIGN_OR_RETURN(std::vector<StageMode> modes, ParseStageModes(words, num_stages));
  if (!config.model.use_gradient_checkpointing.has_value()) return modes;
  const auto checkpointed = absl::c_count(modes, StageMode::kCheckpoint);
  const bool all = *config.model.use_gradient_checkpointing;
  if (checkpointed == (all ? static_cast<int64_t>(modes.size()) : 0)) return modes;
  return absl::InvalidArgumentError(absl::StrCat(
      "model.use_gradient_checkpointing is ", all ? "true (every stage)" : "false (no stage)",
      ", but memory.schedule is ", config.memory.schedule, ", which checkpoints ", checkpointed,
      " of ", modes.size(), " stages; leave one of the two at auto"));
}

absl::StatusOr<StartPlan> ChooseStartPlan(const Config& config, const RunRequest& request,
                                          const BatchTerms& batch,
                                          const std::vector<std::string>& stages) {
  StartPlan start;
  const int num_stages = static_cast<int>(stages.size()) - 1;  // without the loss
  SLIMREEL_ASSIGN_OR_RETURN(const std::vector<StageMode> modes,
                            ConfiguredModes(config, num_stages));
  start.plan = MakePlan(batch.micro_batch, modes, stages);
  start.terms = {.ceiling_bytes = request.ceiling.stated_bytes,
                 .num_stages = num_stages,
                 .keys = PlanKeys(config)};
  if (request.start) SLIMREEL_RETURN_IF_ERROR(ContinuePlan(request, batch, start));
  return start;
}

}  // namespace slimreel
