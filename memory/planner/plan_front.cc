#include "memory/planner/plan_front.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace slimreel {
namespace {

constexpr double kMuchFaster = 0.95;     // share of the chosen time
constexpr double kMuchSmaller = 0.75;    // share of the chosen peak
constexpr size_t kMostAlternatives = 3;  // what a person reads
constexpr int64_t kAnyBytes = std::numeric_limits<int64_t>::max();

auto FastestFirst(const PlanOutcome& plan) {
  return std::make_tuple(plan.time_ms, plan.peak_bytes, plan.host_peak_bytes, plan.result_change,
                         -plan.micro_batch, plan.id);
}

auto BestFirst(const PlanOutcome& plan) {
  return std::make_pair(plan.result_change, FastestFirst(plan));
}

auto SmallestFirst(const PlanOutcome& plan) {
  return std::make_pair(plan.peak_bytes, BestFirst(plan));
}

bool NoWorse(const PlanOutcome& a, const PlanOutcome& b) {
  return a.time_ms <= b.time_ms && a.peak_bytes <= b.peak_bytes &&
         a.host_peak_bytes <= b.host_peak_bytes && a.result_change <= b.result_change;
}

// The first in the given order among the plans that pass the test.
template <typename Passes, typename Order>
std::optional<PlanOutcome> First(const std::vector<PlanOutcome>& plans, Passes passes,
                                 Order order) {
  std::optional<PlanOutcome> first;
  for (const PlanOutcome& plan : plans) {
    if (passes(plan) && (!first.has_value() || order(plan) < order(*first))) first = plan;
  }
  return first;
}

class AlternativeList {
 public:
  AlternativeList(const std::vector<PlanOutcome>& plans, const PlanOutcome& chosen)
      : plans_(plans), chosen_(chosen) {}

  // Adds the first plan that passes, in the given order, if there is room and it is new.
  template <typename Order, typename Passes>
  void Add(AlternativeKind kind, Order order, Passes passes) {
    const std::optional<PlanOutcome> plan = First(plans_, passes, order);
    if (!plan.has_value() || found_.size() == kMostAlternatives) return;
    for (const Alternative& other : found_) {
      if (other.plan == *plan) return;
    }
    found_.push_back({kind, *plan, plan->time_ms / chosen_.time_ms - 1.0,
                      plan->peak_bytes - chosen_.peak_bytes,
                      plan->host_peak_bytes - chosen_.host_peak_bytes});
  }

  std::vector<Alternative> Take() { return std::move(found_); }

 private:
  const std::vector<PlanOutcome>& plans_;
  const PlanOutcome& chosen_;
  std::vector<Alternative> found_;
};

}  // namespace

bool Fits(const PlanOutcome& plan, const PlanBudget& budget) {
  return plan.peak_bytes <= budget.bytes && plan.host_peak_bytes <= budget.host_bytes &&
         plan.result_change <= budget.max_result_change;
}

std::vector<PlanOutcome> ParetoFront(std::vector<PlanOutcome> plans) {
  // In this order a plan comes after every plan that equals or beats it.
  std::sort(plans.begin(), plans.end(), [](const PlanOutcome& a, const PlanOutcome& b) {
    return FastestFirst(a) < FastestFirst(b);
  });
  std::vector<PlanOutcome> front;
  for (const PlanOutcome& plan : plans) {
    const bool beaten = std::any_of(front.begin(), front.end(), [&plan](const PlanOutcome& other) {
      return NoWorse(other, plan);
    });
    if (!beaten) front.push_back(plan);
  }
  return front;
}

std::optional<PlanOutcome> Choose(const std::vector<PlanOutcome>& plans, const PlanBudget& budget) {
  return First(
      plans, [&budget](const PlanOutcome& plan) { return Fits(plan, budget); }, BestFirst);
}

std::optional<int64_t> SmallestBytes(const std::vector<PlanOutcome>& plans, PlanBudget budget) {
  budget.bytes = kAnyBytes;
  std::optional<int64_t> smallest;
  for (const PlanOutcome& plan : plans) {
    if (Fits(plan, budget)) smallest = std::min(smallest.value_or(kAnyBytes), plan.peak_bytes);
  }
  return smallest;
}

std::optional<int64_t> SmallestHostBytes(const std::vector<PlanOutcome>& plans, PlanBudget budget) {
  budget.host_bytes = kAnyBytes;
  std::optional<int64_t> smallest;
  for (const PlanOutcome& plan : plans) {
    if (Fits(plan, budget)) smallest = std::min(smallest.value_or(kAnyBytes), plan.host_peak_bytes);
  }
  return smallest;
}

std::vector<Alternative> Alternatives(const std::vector<PlanOutcome>& plans,
                                      const PlanOutcome& chosen, const PlanBudget& budget) {
  const int change = chosen.result_change;
  PlanBudget any_result = budget;
  any_result.max_result_change = std::numeric_limits<int>::max();
  const auto fits = [&](const PlanOutcome& plan) { return Fits(plan, any_result); };
  const auto faster = [&](const PlanOutcome& plan) {
    return plan.time_ms <= kMuchFaster * chosen.time_ms;
  };
  AlternativeList list(plans, chosen);
  // What these two find is above the budget, or it would have been chosen.
  list.Add(AlternativeKind::kSameResult, SmallestFirst,
           [&](const PlanOutcome& plan) { return plan.result_change < change; });
  list.Add(AlternativeKind::kFaster, SmallestFirst,
           [&](const PlanOutcome& plan) { return plan.result_change <= change && faster(plan); });
  list.Add(AlternativeKind::kSmaller, FastestFirst, [&](const PlanOutcome& plan) {
    const double share = static_cast<double>(plan.peak_bytes) / chosen.peak_bytes;
    return plan.result_change <= change && fits(plan) && share <= kMuchSmaller;
  });
  list.Add(AlternativeKind::kSmallest, SmallestFirst, [&](const PlanOutcome& plan) {
    return plan.result_change <= change && fits(plan) && plan.peak_bytes < chosen.peak_bytes;
  });
  list.Add(AlternativeKind::kAnotherResult, FastestFirst, [&](const PlanOutcome& plan) {
    return plan.result_change > change && fits(plan) && faster(plan);
  });
  return list.Take();
}

}  // namespace slimreel
