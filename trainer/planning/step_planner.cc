#include "trainer/planning/step_planner.h"

#include <algorithm>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/bytes.h"
#include "base/exit_code.h"
#include "base/logging.h"
#include "memory/planner/fallbacks.h"
#include "memory/planner/optimal_schedule.h"
#include "memory/planner/plan_front.h"
#include "memory/planner/stage_costs.h"
#include "memory/policy/split.h"
#include "memory/profile/replay.h"
#include "memory/recovery/fits_in_memory.h"

namespace slimreel {
namespace {

constexpr size_t kMaxSchedules = 400;  // that are replayed for one micro-batch size
constexpr double kAsFast = 1.01;       // the configured plan is taken if it is this close
// Many small updates cost a little more than one of all, and a step that has begun to update cannot
// be undone. So it is taken for its memory alone.
constexpr double kReleaseTime = 1.002;

bool Recomputes(const Schedule& schedule) {
  return static_cast<int>(schedule.size()) > 2 * NumStages(schedule);
}

bool IsLean(const Schedule& schedule) {
  return std::any_of(schedule.begin(), schedule.end(),
                     [](const Op& op) { return op.kind == OpKind::kForwardLean; });
}

void AddOptimal(const std::vector<StageCosts>& costs, int64_t largest,
                std::vector<Schedule>& schedules) {
  std::vector<TimedSchedule> optimal = DistinctSchedules(costs, largest);
  const size_t stride = optimal.size() / kMaxSchedules + 1;
  for (size_t n = 0; n < optimal.size(); n += stride) {
    schedules.push_back(std::move(optimal[n].schedule));
  }
}

// The schedules worth a look for one micro-batch size.
struct SchedulesToTry {
  std::vector<Schedule> repeatable;  // they follow from bytes, so every run finds them again
  std::vector<Schedule> fastest;     // they follow from measured times
};

SchedulesToTry SchedulesFor(const ChainProfile& profile, const AllowedTechniques& allow) {
  const int num_stages = static_cast<int>(profile.stages.size()) - 1;  // without the loss
  SchedulesToTry schedules;
  for (const char* words : {"keep", "lean", "every:3", "every:2", "checkpoint"}) {
    schedules.repeatable.push_back(MakeSchedule(ParseStageModes(words, num_stages).value()));
  }
  const int64_t largest = ReplayStep(schedules.repeatable.front(), {&profile}).bytes;
  const std::vector<StageCosts> costs = CostsOf(profile, allow.lean);
  AddOptimal(WithFixedTimes(costs), largest, schedules.repeatable);
  AddOptimal(costs, largest, schedules.fastest);
  for (std::vector<Schedule>* all : {&schedules.repeatable, &schedules.fastest}) {
    std::erase_if(*all, [&](const Schedule& schedule) {
      return (!allow.checkpointing && Recomputes(schedule)) || (!allow.lean && IsLean(schedule));
    });
  }
  return schedules;
}

int64_t HostBytesOf(const PlanningTerms& terms) {
  return terms.host_bytes > 0 ? terms.host_bytes : std::numeric_limits<int64_t>::max();
}

// What a plan does besides its split and its schedule.
struct Means {
  bool release = false;
  bool page_optimizer = false;
  bool offload_inputs = false;
};

// All plans that were looked at, and what is predicted of each.
class Candidates {
 public:
  Candidates(StepPredictor& predictor, const PlanningTerms& terms)
      : predictor_(predictor), terms_(terms) {}

  // Measures two sizes and adds all plans. False: not even the smallest micro-batch could be
  // measured within the memory.
  bool AddAll(const AllowedTechniques& allow) {
    PlanningTerms terms = terms_;
    terms.allow = allow;
    const std::vector<int64_t> sizes = MicroBatchSizes(terms);
    if (!MeasureEnds(sizes)) return false;
    std::map<int64_t, SchedulesToTry> schedules;
    for (int64_t size : sizes) {
      if (Estimate(size) == nullptr) continue;
      schedules[size] = {{terms_.configured.schedule}, {}};
      if (terms_.schedule_is_free) schedules[size] = SchedulesFor(*Estimate(size), allow);
    }
    for (const auto& [size, tried] : schedules) {
      for (const Means& means : MeansFor(size, allow)) AddAll(size, tried.repeatable, means, true);
    }
    for (const auto& [size, tried] : schedules) {
      for (const Means& means : MeansFor(size, allow)) AddAll(size, tried.fastest, means, false);
    }
    return true;
  }

  // The smallest budget that every run finds a plan for, however its times were disturbed. None:
  // nothing could be measured.
  std::optional<int64_t> SmallestBudget() const {
    return SmallestBytes(repeatable_, {.host_bytes = HostBytesOf(terms_)});
  }

  // Predicts the plan again from its own micro-batches. False: they cannot be measured.
  bool MakeExact(int id) {
    const Plan& plan = plans_[id];
    std::map<int64_t, ChainProfile> own;
    const auto micro_batches =
        SplitBatch(terms_.effective_batch, plan.micro_batch, terms_.min_micro_batch);
    const bool measured = FitsInMemory([&] {
      for (const MicroBatch& micro : micro_batches) {
        if (own.count(micro.count) > 0) continue;
        own.emplace(micro.count,
                    predictor_.Measure(micro.count, plan.schedule, micro_batches.size() > 1));
      }
    });
    if (!measured) {
      outcomes_[id].peak_bytes = std::numeric_limits<int64_t>::max();
      return false;
    }
    predictions_[id] =
        Predict(plan, [&](int64_t size) -> const ChainProfile& { return own.at(size); });
    outcomes_[id] = Outcome(id);
    exact_.insert(id);
    return true;
  }

  bool IsExact(int id) const { return !terms_.measure_chosen || exact_.count(id) > 0; }
  const std::vector<PlanOutcome>& outcomes() const { return outcomes_; }
  const Plan& plan(int id) const { return plans_[id]; }
  const StepPrediction& prediction(int id) const { return predictions_[id]; }
  // The configured plan; none if it could not be estimated.
  std::optional<PlanOutcome> configured() const {
    const auto found = std::find(plans_.begin(), plans_.end(), terms_.configured);
    if (found == plans_.end()) return std::nullopt;
    return outcomes_[found - plans_.begin()];
  }

 private:
  bool MeasureEnds(const std::vector<int64_t>& sizes) {
    if (!measured_.empty()) return true;
    const bool splits = sizes.back() < terms_.effective_batch;
    const auto measure = [&](int64_t size, bool later) {
      return FitsInMemory([&] { measured_[size] = predictor_.Measure(size, {}, later); });
    };
    if (!measure(sizes.back(), splits)) return false;
    if (sizes.size() > 1) measure(sizes[sizes.size() - 2], /*later=*/false);
    return true;
  }

  const ChainProfile* Estimate(int64_t size) {
    const auto known = measured_.find(size);
    // A second size was measured without later micro-batches, so a line is drawn to itself.
    if (known != measured_.end() && (measured_.size() < 2 || known == measured_.begin())) {
      return &known->second;
    }
    const auto estimated = estimated_.find(size);
    if (estimated != estimated_.end()) return &estimated->second;
    if (measured_.size() >= 2) {
      auto line = Extrapolate(measured_.begin()->second, measured_.rbegin()->second, size);
      if (line) return &estimated_.emplace(size, *std::move(line)).first->second;
    }
    // Only one size could be measured.
    ChainProfile profile;
    if (!FitsInMemory([&] { profile = predictor_.Measure(size, {}, true); })) return nullptr;
    return &estimated_.emplace(size, std::move(profile)).first->second;
  }

  std::vector<Means> MeansFor(int64_t micro_batch, const AllowedTechniques& allow) const {
    std::vector<Means> all = {Means{}};
    const bool one = micro_batch >= terms_.effective_batch;
    if (one && allow.release && terms_.can_release) all.push_back({.release = true});
    if (terms_.host_bytes <= 0) return all;
    const auto twice = [&all](bool Means::*field) {
      for (size_t n = 0, end = all.size(); n < end; ++n) {
        all.push_back(all[n]);
        all.back().*field = true;
      }
    };
    if (allow.paging) twice(&Means::page_optimizer);
    if (allow.offload) twice(&Means::offload_inputs);
    return all;
  }

  Plan PlanWith(int64_t micro_batch, const Schedule& schedule, const Means& means) const {
    Plan plan = terms_.configured;
    plan.micro_batch = micro_batch;
    plan.schedule = schedule;
    plan.release = means.release;
    plan.page_optimizer = means.page_optimizer;
    plan.offload_inputs = means.offload_inputs && Recomputes(schedule);
    return plan;
  }

  // State comes to the device and goes back once a step; stage inputs do so in every micro-batch.
  StepPrediction Predict(const Plan& plan, const StepPredictor::ProfileOf& profile_of) const {
    StepPrediction prediction = predictor_.Predict(plan, terms_.effective_batch, profile_of);
    if (terms_.link_bytes_per_ms > 0.0) {
      const int64_t state = prediction.host_bytes - prediction.offloaded_bytes;
      const int64_t num_micro_batches = NumSplits(terms_.effective_batch, plan.micro_batch);
      prediction.step_ms +=
          2.0 * static_cast<double>(state + num_micro_batches * prediction.offloaded_bytes) /
          terms_.link_bytes_per_ms;
    }
    return prediction;
  }
  StepPrediction Predict(const Plan& plan) {
    return Predict(plan, [this](int64_t size) -> const ChainProfile& { return *Estimate(size); });
  }

  void AddAll(int64_t micro_batch, const std::vector<Schedule>& schedules, const Means& means,
              bool repeatable) {
    const auto micro_batches =
        SplitBatch(terms_.effective_batch, micro_batch, terms_.min_micro_batch);
    if (schedules.empty() || Estimate(micro_batches.back().count) == nullptr) return;
    // A step that has updated parameters can only go on, with every stage checkpointed.
    int64_t to_go_on = 0;
    if (means.release) {
      const int num_stages = NumStages(schedules.front()) - 1;
      const Schedule tightest = MakeSchedule(ParseStageModes("checkpoint", num_stages).value());
      to_go_on = Predict(PlanWith(micro_batch, tightest, means)).peak_bytes;
    }
    for (const Schedule& schedule : schedules) {
      Plan plan = PlanWith(micro_batch, schedule, means);
      if (!known_.insert(TextOf(plan)).second) continue;
      StepPrediction prediction = Predict(plan);
      const int64_t needed = std::max(prediction.peak_bytes, to_go_on);
      // A smaller peak that only luck found would make the smallest budget a matter of luck.
      if (!repeatable && needed < SmallestBudget().value_or(0)) continue;
      predictions_.push_back(std::move(prediction));
      plans_.push_back(std::move(plan));
      to_go_on_.push_back(to_go_on);
      outcomes_.push_back(Outcome(static_cast<int>(plans_.size()) - 1));
      if (repeatable) repeatable_.push_back(outcomes_.back());
    }
  }

  static std::string TextOf(const Plan& plan) {
    std::string text = absl::StrCat(plan.micro_batch, plan.release ? "r" : "",
                                    plan.page_optimizer ? "p" : "", plan.offload_inputs ? "o" : "");
    for (const Op& op : plan.schedule) {
      absl::StrAppend(&text, " ", static_cast<int>(op.kind), ":", op.stage);
    }
    return text;
  }

  PlanOutcome Outcome(int id) const {
    PlanOutcome outcome;
    outcome.time_ms = predictions_[id].step_ms * (plans_[id].release ? kReleaseTime : 1.0);
    outcome.peak_bytes = std::max(predictions_[id].peak_bytes, to_go_on_[id]);
    outcome.host_peak_bytes = predictions_[id].host_bytes;
    outcome.micro_batch = plans_[id].micro_batch;
    outcome.id = id;
    return outcome;
  }

  StepPredictor& predictor_;
  const PlanningTerms& terms_;
  std::map<int64_t, ChainProfile> measured_;
  std::map<int64_t, ChainProfile> estimated_;
  std::vector<Plan> plans_;
  std::vector<StepPrediction> predictions_;
  std::vector<int64_t> to_go_on_;  // what a step that released needs after out of memory
  std::set<std::string> known_;    // plans, as text
  std::vector<PlanOutcome> outcomes_;
  std::vector<PlanOutcome> repeatable_;  // those of schedules that every run finds
  std::set<int> exact_;
};

std::optional<PlanOutcome> ChooseNear(const Candidates& candidates, const PlanBudget& budget) {
  auto chosen = Choose(candidates.outcomes(), budget);
  const auto configured = candidates.configured();
  if (chosen && configured && Fits(*configured, budget) &&
      configured->time_ms <= kAsFast * chosen->time_ms) {
    return configured;
  }
  return chosen;
}

// The fastest plan that fits, with an exact peak. An exact peak may be higher than the estimated
// one; then the next plan is looked at.
std::optional<int> ChooseExact(Candidates& candidates, const PlanBudget& budget) {
  while (const auto chosen = ChooseNear(candidates, budget)) {
    if (candidates.IsExact(chosen->id)) return chosen->id;
    candidates.MakeExact(chosen->id);
  }
  return std::nullopt;
}

std::string NameOf(AlternativeKind kind) {
  switch (kind) {
    case AlternativeKind::kSameResult:
      return "with the same result";
    case AlternativeKind::kFaster:
      return "faster, with a larger budget";
    case AlternativeKind::kSmaller:
      return "smaller";
    case AlternativeKind::kSmallest:
      return "the smallest peak";
    case AlternativeKind::kAnotherResult:
      break;
  }
  return "faster, with another result";
}

// What the smallest budget would be with each means that is not allowed.
std::string WhatForbiddenMeansSave(StepPredictor& predictor, const PlanningTerms& terms,
                                   std::optional<int64_t> smallest) {
  struct Technique {
    const char* name;
    bool AllowedTechniques::*field;
  };
  constexpr Technique kMeans[] = {{"checkpointing", &AllowedTechniques::checkpointing},
                                  {"lean", &AllowedTechniques::lean},
                                  {"split", &AllowedTechniques::split},
                                  {"release", &AllowedTechniques::release},
                                  {"paging", &AllowedTechniques::paging},
                                  {"offload", &AllowedTechniques::offload}};
  std::vector<std::string> lines;
  for (const Technique& means : kMeans) {
    if (terms.allow.*means.field) continue;
    AllowedTechniques allow = terms.allow;
    allow.*means.field = true;
    Candidates candidates(predictor, terms);
    if (!candidates.AddAll(allow)) continue;
    const auto bytes = candidates.SmallestBudget();
    if (!bytes || (smallest && *bytes >= *smallest)) continue;
    lines.push_back(
        smallest
            ? absl::StrCat(means.name, " would save ", FormatBytes(*smallest - *bytes))
            : absl::StrCat(means.name, " would bring the smallest peak to ", FormatBytes(*bytes)));
  }
  if (lines.empty()) return "";
  return absl::StrCat(" Not allowed by memory.allow: ", absl::StrJoin(lines, ", "), ".");
}

absl::Status NothingFitsTheBudget(StepPredictor& predictor, const PlanningTerms& terms,
                                  const Candidates& candidates) {
  const auto smallest = candidates.SmallestBudget();
  if (!smallest) {
    return NothingFitsError(absl::StrCat("no plan fits ", FormatBytes(terms.budget_bytes),
                                         ": one stage alone with ", MicroBatchSizes(terms).back(),
                                         " samples takes more.",
                                         WhatForbiddenMeansSave(predictor, terms, std::nullopt)));
  }
  return NothingFitsError(absl::StrCat(
      "no plan fits ", FormatBytes(terms.budget_bytes), " (", terms.budget_bytes,
      " bytes): the smallest predicted peak is ", FormatBytes(*smallest), " (", *smallest,
      " bytes), so memory.budget must be at least that.",
      WhatForbiddenMeansSave(predictor, terms, *smallest),
      " What else may help: fewer or smaller frames (data.num_frames, data.img_size), half "
      "precision (trainer.precision=bf16), a smaller model.name",
      terms.min_micro_batch > 1
          ? ", smaller normalisation groups (model.norm_group: a smaller number, or frozen)"
          : "",
      terms.host_bytes <= 0 && (terms.allow.paging || terms.allow.offload)
          ? ", memory.host_budget (optimizer state and stage inputs may then wait in host memory)"
          : "",
      "."));
}

PlannedStep PredictConfigured(StepPredictor& predictor, const PlanningTerms& terms) {
  std::map<int64_t, ChainProfile> own;
  const auto micro_batches =
      SplitBatch(terms.effective_batch, terms.configured.micro_batch, terms.min_micro_batch);
  for (const MicroBatch& micro : micro_batches) {
    if (own.count(micro.count) > 0) continue;
    own.emplace(micro.count, predictor.Measure(micro.count, terms.configured.schedule,
                                               micro_batches.size() > 1));
  }
  PlannedStep planned;
  planned.plan = terms.configured;
  planned.prediction =
      predictor.Predict(planned.plan, terms.effective_batch,
                        [&](int64_t size) -> const ChainProfile& { return own.at(size); });
  planned.measuring_ms = predictor.measuring_ms();
  return planned;
}

}  // namespace

std::vector<int64_t> MicroBatchSizes(const PlanningTerms& terms) {
  std::vector<int64_t> sizes = {terms.configured.micro_batch};
  while (terms.allow.split) {
    const int64_t half = HalfMicroBatch(sizes.back(), terms.min_micro_batch);
    if (half == sizes.back()) break;
    sizes.push_back(half);
  }
  return sizes;
}

absl::StatusOr<PlannedStep> PlanSteps(StepPredictor& predictor, const PlanningTerms& terms) {
  if (terms.budget_bytes <= 0 || !terms.search) {
    PlannedStep planned;
    const bool measured = FitsInMemory([&] { planned = PredictConfigured(predictor, terms); });
    const bool fits = measured && (terms.budget_bytes <= 0 ||
                                   planned.prediction.peak_bytes <= terms.budget_bytes);
    if (fits) return planned;
  }
  const PlanBudget budget{
      .bytes = terms.budget_bytes > 0 ? terms.budget_bytes : std::numeric_limits<int64_t>::max(),
      .host_bytes = HostBytesOf(terms)};
  Candidates candidates(predictor, terms);
  if (!candidates.AddAll(terms.allow)) {
    return NothingFitsTheBudget(predictor, terms, candidates);
  }
  const std::optional<int> chosen = ChooseExact(candidates, budget);
  if (!chosen) return NothingFitsTheBudget(predictor, terms, candidates);
  PlannedStep planned;
  planned.plan = candidates.plan(*chosen);
  planned.prediction = candidates.prediction(*chosen);
  planned.smallest_budget_bytes =
      candidates.SmallestBudget().value_or(planned.prediction.peak_bytes);
  for (const Alternative& other :
       Alternatives(candidates.outcomes(), candidates.outcomes()[*chosen], budget)) {
    planned.alternatives.push_back(
        {candidates.plan(other.plan.id), candidates.prediction(other.plan.id), NameOf(other.kind)});
  }
  for (const PlanOutcome& other :
       Fallbacks(candidates.outcomes(), candidates.outcomes()[*chosen])) {
    const Plan& plan = candidates.plan(other.id);
    // The optimizer's state stays where it is and in the parts in which it is stepped, and what
    // waits in host memory has its size.
    const bool same_places = plan.page_optimizer == planned.plan.page_optimizer &&
                             plan.release == planned.plan.release && !plan.offload_inputs &&
                             !planned.plan.offload_inputs;
    if (same_places) planned.fallbacks.push_back({plan, other.peak_bytes});
  }
  planned.measuring_ms = predictor.measuring_ms();
  return planned;
}

}  // namespace slimreel
