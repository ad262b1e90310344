#include "memory/planner/plan_front.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace slimreel {
namespace {

PlanOutcome Outcome(double time_ms, int64_t peak_bytes, int result_change = 0) {
  PlanOutcome plan;
  plan.time_ms = time_ms;
  plan.peak_bytes = peak_bytes;
  plan.result_change = result_change;
  return plan;
}

PlanBudget Bytes(int64_t bytes) {
  PlanBudget budget;
  budget.bytes = bytes;
  return budget;
}

// Few values, so that ties are frequent.
std::vector<PlanOutcome> RandomPlans(std::mt19937* random) {
  auto draw = [random](int low, int high) {
    return std::uniform_int_distribution<int>(low, high)(*random);
  };
  std::vector<PlanOutcome> plans(draw(0, 25));
  for (size_t n = 0; n < plans.size(); ++n) {
    plans[n].time_ms = draw(1, 9);
    plans[n].peak_bytes = draw(1, 9);
    plans[n].host_peak_bytes = draw(1, 4);
    plans[n].micro_batch = draw(1, 3);
    plans[n].result_change = draw(0, 3) == 0 ? draw(1, 2) : 0;
    plans[n].id = static_cast<int>(n);
  }
  return plans;
}

// Sees only plans that are allowed and fit; written as the rule reads.
bool IsPreferred(const PlanOutcome& a, const PlanOutcome& b) {
  if (a.result_change != b.result_change) return a.result_change < b.result_change;
  if (a.time_ms != b.time_ms) return a.time_ms < b.time_ms;
  if (a.peak_bytes != b.peak_bytes) return a.peak_bytes < b.peak_bytes;
  if (a.host_peak_bytes != b.host_peak_bytes) return a.host_peak_bytes < b.host_peak_bytes;
  if (a.micro_batch != b.micro_batch) return a.micro_batch > b.micro_batch;
  return a.id < b.id;
}

template <typename Check>
void ForEachBudget(Check check) {
  for (int64_t bytes = 0; bytes <= 10; ++bytes) {
    for (int64_t host_bytes = 0; host_bytes <= 5; ++host_bytes) {
      for (int change = 0; change <= 2; ++change) check(PlanBudget{bytes, host_bytes, change});
    }
  }
}

TEST(PlanFrontTest, HoldsExactlyThePlansThatNoOtherBeats) {
  std::mt19937 random(1);
  for (int round = 0; round < 300; ++round) {
    const std::vector<PlanOutcome> plans = RandomPlans(&random);
    const std::vector<PlanOutcome> front = ParetoFront(plans);
    for (const PlanOutcome& plan : plans) {
      const bool beaten = std::any_of(plans.begin(), plans.end(), [&](const PlanOutcome& other) {
        const bool no_worse = other.time_ms <= plan.time_ms &&
                              other.peak_bytes <= plan.peak_bytes &&
                              other.host_peak_bytes <= plan.host_peak_bytes &&
                              other.result_change <= plan.result_change;
        const bool no_better = other.time_ms >= plan.time_ms &&
                               other.peak_bytes >= plan.peak_bytes &&
                               other.host_peak_bytes >= plan.host_peak_bytes &&
                               other.result_change >= plan.result_change;
        return no_worse && (!no_better || IsPreferred(other, plan));
      });
      EXPECT_EQ(std::count(front.begin(), front.end(), plan), beaten ? 0 : 1);
    }
    EXPECT_TRUE(std::is_sorted(front.begin(), front.end(),
                               [](const auto& a, const auto& b) { return a.time_ms < b.time_ms; }));
  }
}

TEST(PlanFrontTest, WithOneResultAndOneMemoryTheFrontFalls) {
  std::mt19937 random(2);
  for (int round = 0; round < 100; ++round) {
    std::vector<PlanOutcome> plans = RandomPlans(&random);
    for (PlanOutcome& plan : plans) plan.host_peak_bytes = plan.result_change = 0;
    const std::vector<PlanOutcome> front = ParetoFront(plans);
    for (size_t n = 1; n < front.size(); ++n) {
      EXPECT_GT(front[n].time_ms, front[n - 1].time_ms);
      EXPECT_LT(front[n].peak_bytes, front[n - 1].peak_bytes);
    }
  }
}

TEST(PlanFrontTest, TheChoiceIsThePreferredPlanThatFits) {
  std::mt19937 random(3);
  for (int round = 0; round < 200; ++round) {
    const std::vector<PlanOutcome> plans = RandomPlans(&random);
    const std::vector<PlanOutcome> front = ParetoFront(plans);
    ForEachBudget([&](const PlanBudget& budget) {
      std::vector<PlanOutcome> fitting;
      for (const PlanOutcome& plan : plans) {
        if (plan.peak_bytes > budget.bytes || plan.host_peak_bytes > budget.host_bytes) continue;
        if (plan.result_change <= budget.max_result_change) fitting.push_back(plan);
      }
      const std::optional<PlanOutcome> choice = Choose(plans, budget);
      EXPECT_EQ(Choose(front, budget), choice);
      ASSERT_EQ(choice.has_value(), !fitting.empty());
      if (!choice.has_value()) return;
      EXPECT_EQ(*choice, *std::min_element(fitting.begin(), fitting.end(), IsPreferred));
      // No plan that fits and keeps the result as well is more than 1 % faster.
      for (const PlanOutcome& plan : fitting) {
        EXPECT_FALSE(plan.result_change <= choice->result_change &&
                     plan.time_ms * 1.01 < choice->time_ms);
      }
    });
  }
}

TEST(PlanFrontTest, TheChosenPeakFallsWithTheBudget) {
  std::mt19937 random(4);
  std::uniform_real_distribution<double> time(100, 200);
  std::uniform_int_distribution<int> peak(100, 2000);
  for (int round = 0; round < 50; ++round) {
    std::vector<PlanOutcome> plans;
    for (int n = 0; n < 60; ++n) plans.push_back(Outcome(time(random), peak(random), n % 3));
    std::optional<PlanOutcome> last;
    int fitted = 0;
    for (int step = 20; step > 0; --step) {
      PlanBudget budget = Bytes(step * 100);
      budget.max_result_change = 2;
      const std::optional<PlanOutcome> choice = Choose(plans, budget);
      if (!choice.has_value()) continue;
      ++fitted;
      EXPECT_LE(choice->peak_bytes, budget.bytes);
      if (last.has_value()) {
        EXPECT_LE(choice->peak_bytes, last->peak_bytes);
        EXPECT_TRUE(choice->time_ms >= last->time_ms ||
                    choice->result_change > last->result_change);
      }
      last = choice;
    }
    EXPECT_GT(fitted, 10);
  }
}

TEST(PlanFrontTest, ResultsChangeOnlyIfAllowedAndIfNothingElseFits) {
  const std::vector<PlanOutcome> plans = {Outcome(10, 500), Outcome(5, 200, 1), Outcome(4, 100, 2)};
  PlanBudget budget = Bytes(600);
  budget.max_result_change = 2;
  EXPECT_EQ(Choose(plans, budget)->result_change, 0);
  budget.bytes = 400;
  EXPECT_EQ(Choose(plans, budget)->result_change, 1);
  budget.bytes = 100;
  EXPECT_EQ(Choose(plans, budget)->result_change, 2);
  budget.max_result_change = 1;
  EXPECT_FALSE(Choose(plans, budget).has_value());
}

TEST(PlanFrontTest, TheSmallestBudgetIsTheFirstThatFits) {
  std::mt19937 random(5);
  for (int round = 0; round < 200; ++round) {
    const std::vector<PlanOutcome> plans = RandomPlans(&random);
    ForEachBudget([&](PlanBudget budget) {
      const std::optional<int64_t> bytes = SmallestBytes(plans, budget);
      const std::optional<int64_t> host_bytes = SmallestHostBytes(plans, budget);
      for (int64_t limit = 0; limit <= 10; ++limit) {
        PlanBudget other = budget;
        other.bytes = limit;
        EXPECT_EQ(Choose(plans, other).has_value(), bytes.has_value() && limit >= *bytes);
        other = budget;
        other.host_bytes = limit;
        EXPECT_EQ(Choose(plans, other).has_value(), host_bytes.has_value() && limit >= *host_bytes);
      }
    });
  }
}

TEST(PlanFrontTest, AlternativesSayWhatMoreAndWhatLessMemoryCosts) {
  const std::vector<PlanOutcome> plans = {
      Outcome(80, 900),  Outcome(90, 700),  Outcome(98, 650),
      Outcome(100, 600), Outcome(105, 500), Outcome(120, 440),
      Outcome(130, 400), Outcome(200, 150), Outcome(60, 300, 1),
  };
  const PlanBudget budget = Bytes(640);
  const PlanOutcome chosen = *Choose(plans, budget);
  ASSERT_EQ(chosen, Outcome(100, 600));
  const std::vector<Alternative> found = Alternatives(plans, chosen, budget);
  ASSERT_EQ(found.size(), 3u);
  EXPECT_EQ(found[0].kind, AlternativeKind::kFaster);
  EXPECT_EQ(found[0].plan, Outcome(90, 700));  // 98 is not worth saying, 80 needs more
  EXPECT_DOUBLE_EQ(found[0].relative_time, 90.0 / 100 - 1);
  EXPECT_EQ(found[0].more_bytes, 100);
  EXPECT_EQ(found[1].kind, AlternativeKind::kSmaller);
  EXPECT_EQ(found[1].plan, Outcome(120, 440));  // 500 is not much smaller
  EXPECT_DOUBLE_EQ(found[1].relative_time, 120.0 / 100 - 1);
  EXPECT_EQ(found[1].more_bytes, -160);
  EXPECT_EQ(found[2].kind, AlternativeKind::kSmallest);
  EXPECT_EQ(found[2].plan, Outcome(200, 150));
}

TEST(PlanFrontTest, AlternativesNameTheResultThatABudgetCosts) {
  const std::vector<PlanOutcome> plans = {Outcome(100, 600), Outcome(110, 500), Outcome(60, 300, 1),
                                          Outcome(30, 200, 2)};
  PlanBudget budget = Bytes(400);
  budget.max_result_change = 1;
  std::vector<Alternative> found = Alternatives(plans, *Choose(plans, budget), budget);
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].kind, AlternativeKind::kSameResult);
  EXPECT_EQ(found[0].plan, Outcome(110, 500));
  EXPECT_EQ(found[1].kind, AlternativeKind::kAnotherResult);  // said, although not allowed
  EXPECT_EQ(found[1].plan, Outcome(30, 200, 2));

  budget = Bytes(600);
  found = Alternatives(plans, *Choose(plans, budget), budget);
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].kind, AlternativeKind::kSmallest);
  EXPECT_EQ(found[0].plan, Outcome(110, 500));
  EXPECT_EQ(found[1].kind, AlternativeKind::kAnotherResult);
}

TEST(PlanFrontTest, AlternativesAreDistinctAndAtMostThree) {
  std::mt19937 random(6);
  for (int round = 0; round < 200; ++round) {
    const std::vector<PlanOutcome> plans = RandomPlans(&random);
    ForEachBudget([&](const PlanBudget& budget) {
      const std::optional<PlanOutcome> chosen = Choose(plans, budget);
      if (!chosen.has_value()) return;
      const std::vector<Alternative> found = Alternatives(plans, *chosen, budget);
      EXPECT_LE(found.size(), 3u);
      for (size_t n = 0; n < found.size(); ++n) {
        EXPECT_NE(found[n].plan.id, chosen->id);
        const bool beyond = found[n].kind == AlternativeKind::kSameResult ||
                            found[n].kind == AlternativeKind::kFaster;
        const bool fits = found[n].plan.peak_bytes <= budget.bytes &&
                          found[n].plan.host_peak_bytes <= budget.host_bytes;
        EXPECT_EQ(fits, !beyond);
        for (size_t k = 0; k < n; ++k) {
          EXPECT_NE(found[k].plan.id, found[n].plan.id);
          EXPECT_LT(found[k].kind, found[n].kind);
        }
      }
    });
  }
}

}  // namespace
}  // namespace slimreel
