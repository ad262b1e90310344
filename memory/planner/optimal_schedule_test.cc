#include "memory/planner/optimal_schedule.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <iostream>
#include <limits>
#include <random>

#include "memory/planner/persistent_schedules.h"

namespace slimreel {
namespace {

constexpr int64_t kUnlimited = int64_t{1} << 40;

// A stage that is cheap to run without grad and holds ten times its output.
StageCosts PlainStage() {
  StageCosts stage;
  stage.output_bytes = 10;
  stage.keep_bytes = 100;
  stage.gradient_bytes = 10;
  stage.forward_ms = 2;
  stage.keep_ms = 2;
  stage.backward_ms = 4;
  return stage;
}

std::vector<StageCosts> PlainChain(int num_stages) {
  return std::vector<StageCosts>(num_stages, PlainStage());
}

// Whole numbers, so that sums of times are exact in float.
StageCosts RandomStage(std::mt19937* random, int number, int num_stages) {
  auto draw = [random](int low, int high) {
    return std::uniform_int_distribution<int>(low, high)(*random);
  };
  StageCosts stage;
  stage.output_bytes = draw(0, 12);
  stage.keep_bytes = draw(0, 20);
  if (draw(0, 1) == 1) stage.lean_bytes = draw(0, 12);
  stage.forward_transient_bytes = draw(-2, draw(0, 3) == 0 ? 40 : 8);
  stage.keep_transient_bytes = draw(-2, 8);
  stage.lean_transient_bytes = draw(-2, 8);
  stage.backward_transient_bytes = draw(-4, 10);
  stage.lean_backward_transient_bytes = draw(-4, 10);
  stage.gradient_bytes = draw(0, 10);
  stage.forward_ms = draw(1, 9);
  stage.keep_ms = draw(1, 9);
  stage.lean_ms = draw(1, 9);
  stage.backward_ms = draw(1, 15);
  stage.lean_backward_ms = draw(1, 20);
  if (draw(0, 1) == 1 && number + 2 < num_stages) {
    const int first_part = draw(0, static_cast<int>(stage.output_bytes));
    stage.handed_on.push_back({first_part, draw(number + 2, num_stages - 1)});
    const int rest = static_cast<int>(stage.output_bytes) - first_part;
    stage.handed_on.push_back({draw(0, rest), draw(number + 2, num_stages - 1)});
  }
  return stage;
}

std::vector<StageCosts> RandomChain(std::mt19937* random, int num_stages) {
  std::vector<StageCosts> stages;
  for (int i = 0; i < num_stages; ++i) stages.push_back(RandomStage(random, i, num_stages));
  return stages;
}

int64_t AllKeptPeak(const std::vector<StageCosts>& stages) {
  const std::vector<StageMode> modes(stages.size() - 1, StageMode::kKeep);
  return ReplayInSlots(stages, MakeSchedule(modes), 1).peak_slots;
}

// best[m]: the shortest time among all persistent schedules that need at most m slots.
std::vector<double> BestTimes(const std::vector<StageCosts>& stages, int64_t slot_bytes,
                              int num_slots) {
  std::vector<double> best(num_slots + 1, std::numeric_limits<double>::infinity());
  for (const Schedule& schedule : AllPersistentSchedules(stages)) {
    const Replayed replayed = ReplayInSlots(stages, schedule, slot_bytes);
    if (replayed.peak_slots > num_slots) continue;
    double& time = best[replayed.peak_slots];
    time = std::min(time, replayed.time_ms);
  }
  for (int m = 1; m <= num_slots; ++m) best[m] = std::min(best[m], best[m - 1]);
  return best;
}

void ExpectEqualToBruteForce(const std::vector<StageCosts>& stages, int64_t slot_bytes,
                             int num_slots) {
  const OptimalSchedules optimal(stages, slot_bytes * num_slots, num_slots);
  const std::vector<double> best = BestTimes(stages, slot_bytes, num_slots);
  for (int m = 0; m <= num_slots; ++m) {
    const std::optional<TimedSchedule> found = optimal.Fastest(m * slot_bytes + slot_bytes - 1);
    ASSERT_EQ(found.has_value(), best[m] < std::numeric_limits<double>::infinity()) << m;
    if (!found.has_value()) continue;
    ASSERT_EQ(found->time_ms, best[m]) << "within " << m << " slots";
    ASSERT_TRUE(ValidateSchedule(found->schedule, static_cast<int>(stages.size())).ok());
    const Replayed replayed = ReplayInSlots(stages, found->schedule, slot_bytes);
    EXPECT_EQ(replayed.time_ms, found->time_ms);
    EXPECT_EQ(replayed.peak_slots * slot_bytes, found->bytes);
    EXPECT_LE(found->bytes, m * slot_bytes);
  }
}

bool Contains(const Schedule& schedule, OpKind kind) {
  return std::any_of(schedule.begin(), schedule.end(),
                     [kind](const Op& op) { return op.kind == kind; });
}

TEST(OptimalSchedulesTest, EqualsBruteForceInExactBytes) {
  std::mt19937 random(1);
  for (int round = 0; round < 600; ++round) {
    SCOPED_TRACE(round);
    const std::vector<StageCosts> stages = RandomChain(&random, 1 + round % 5);
    ExpectEqualToBruteForce(stages, 1, static_cast<int>(AllKeptPeak(stages)) + 5);
  }
}

TEST(OptimalSchedulesTest, EqualsBruteForceInFewSlots) {
  std::mt19937 random(2);
  for (int round = 0; round < 600; ++round) {
    SCOPED_TRACE(round);
    const std::vector<StageCosts> stages = RandomChain(&random, 2 + round % 4);
    const int num_slots = 8 + round % 23;
    const int64_t slot_bytes = AllKeptPeak(stages) / num_slots + 1;
    ExpectEqualToBruteForce(stages, slot_bytes, num_slots);
  }
}

TEST(OptimalSchedulesTest, EqualsBruteForceForSixAndSevenStages) {
  std::mt19937 random(3);
  for (int round = 0; round < 30; ++round) {
    SCOPED_TRACE(round);
    const std::vector<StageCosts> stages = RandomChain(&random, round < 25 ? 6 : 7);
    ExpectEqualToBruteForce(stages, 1, static_cast<int>(AllKeptPeak(stages)));
  }
}

TEST(OptimalSchedulesTest, TimeNeverRisesWithMemory) {
  std::mt19937 random(4);
  for (int round = 0; round < 20; ++round) {
    const std::vector<StageCosts> stages = RandomChain(&random, 16);
    const int64_t peak = AllKeptPeak(stages);
    const OptimalSchedules optimal(stages, peak, 200);
    double last = std::numeric_limits<double>::infinity();
    for (int64_t limit = 0; limit <= peak; ++limit) {
      const std::optional<TimedSchedule> found = optimal.Fastest(limit);
      if (!found.has_value()) {
        EXPECT_EQ(last, std::numeric_limits<double>::infinity());
        continue;
      }
      EXPECT_LE(found->time_ms, last);
      EXPECT_LE(ReplayInSlots(stages, found->schedule, 1).peak_slots, limit);
      last = found->time_ms;
    }
  }
}

TEST(OptimalSchedulesTest, UnlimitedMemoryKeepsAll) {
  const std::vector<StageCosts> stages = PlainChain(12);
  const std::optional<TimedSchedule> found =
      OptimalSchedules(stages, kUnlimited).Fastest(kUnlimited);
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->schedule, MakeSchedule(std::vector<StageMode>(11, StageMode::kKeep)));
  EXPECT_EQ(found->time_ms, 12 * 6);
}

TEST(OptimalSchedulesTest, LeastMemoryStoresOnlyInputs) {
  const std::vector<StageCosts> stages = PlainChain(8);
  const std::vector<TimedSchedule> all = OptimalSchedules(stages, 2000, 2000).Distinct();
  ASSERT_FALSE(all.empty());
  // A single graph at a time: each kept stage goes backward at once.
  const Schedule& smallest = all.back().schedule;
  for (size_t n = 0; n < smallest.size(); ++n) {
    if (smallest[n].kind != OpKind::kForwardKeep) continue;
    EXPECT_EQ(smallest[n + 1], (Op{OpKind::kBackward, smallest[n].stage}));
  }
  // The graph, the output, its gradient, and the stage's stored input. Each sweep starts at the
  // chain's input, which is not counted.
  EXPECT_EQ(all.back().bytes, 100 + 10 + 10 + 10);
}

TEST(OptimalSchedulesTest, TakesTheLeanFormWhereItPays) {
  std::vector<StageCosts> stages = PlainChain(6);
  for (StageCosts& stage : stages) {
    stage.lean_bytes = 40;
    stage.lean_ms = stage.keep_ms;
    stage.lean_backward_ms = stage.backward_ms + 1;  // a recompute costs 2
  }
  const int64_t peak = AllKeptPeak(stages);
  const OptimalSchedules with_lean(stages, peak, static_cast<int>(peak));
  for (StageCosts& stage : stages) stage.lean_bytes = -1;
  const OptimalSchedules without(stages, peak, static_cast<int>(peak));
  const std::optional<TimedSchedule> lean = with_lean.Fastest(peak / 2);
  const std::optional<TimedSchedule> plain = without.Fastest(peak / 2);
  ASSERT_TRUE(lean.has_value() && plain.has_value());
  EXPECT_TRUE(Contains(lean->schedule, OpKind::kForwardLean));
  EXPECT_FALSE(Contains(plain->schedule, OpKind::kForwardLean));
  EXPECT_LT(lean->time_ms, plain->time_ms);
  // With memory for all, a lean form that is slower is not taken; one that is faster is.
  EXPECT_FALSE(Contains(with_lean.Fastest(peak)->schedule, OpKind::kForwardLean));
  for (StageCosts& stage : stages) {
    stage.lean_bytes = 40;
    stage.lean_backward_ms = stage.backward_ms - 1;
  }
  const TimedSchedule fast = *OptimalSchedules(stages, peak).Fastest(peak);
  EXPECT_FALSE(Contains(fast.schedule, OpKind::kForwardCheckpoint));
  EXPECT_EQ(fast.time_ms, 6 * 6 - 5);  // the loss has no lean form
}

TEST(OptimalSchedulesTest, StoragesThatAreHandedOnAreStoredOnce) {
  // Stage 0 makes 50 bytes that every later stage reads and hands on.
  std::vector<StageCosts> stages = PlainChain(6);
  stages[0].output_bytes = 60;
  stages[0].handed_on = {{50, 5}};
  const int64_t peak = AllKeptPeak(stages);
  const OptimalSchedules optimal(stages, peak, static_cast<int>(peak));
  const TimedSchedule smallest = optimal.Distinct().back();
  EXPECT_EQ(ReplayInSlots(stages, smallest.schedule, 1).peak_slots, smallest.bytes);
  // The 50 bytes are alive until stage 1 has gone backward, however the chain is cut.
  EXPECT_EQ(smallest.bytes, 100 + 10 + 10 + 10 + 50);
}

TEST(OptimalSchedulesTest, TheLargestGradientLimitsTheChain) {
  std::vector<StageCosts> stages = PlainChain(4);
  stages[2].gradient_bytes = 500;  // B(1) starts with it, its graph, output and stored input
  EXPECT_FALSE(OptimalSchedules(stages, 619, 619).Fastest(619).has_value());
  EXPECT_TRUE(OptimalSchedules(stages, 620, 620).Fastest(620).has_value());
}

TEST(OptimalSchedulesTest, DistinctRunsFromTheFastestToTheSmallest) {
  std::mt19937 random(5);
  for (int round = 0; round < 20; ++round) {
    const std::vector<StageCosts> stages = RandomChain(&random, 12);
    const int64_t peak = AllKeptPeak(stages);
    const OptimalSchedules optimal(stages, peak, 300);
    const std::vector<TimedSchedule> all = optimal.Distinct();
    ASSERT_FALSE(all.empty());
    EXPECT_EQ(all.front().schedule, optimal.Fastest(peak)->schedule);
    for (size_t n = 1; n < all.size(); ++n) {
      EXPECT_GT(all[n].time_ms, all[n - 1].time_ms);
      EXPECT_LT(all[n].bytes, all[n - 1].bytes);
      // No schedule in between is missed.
      EXPECT_EQ(optimal.Fastest(all[n - 1].bytes - 1)->schedule, all[n].schedule);
    }
    EXPECT_FALSE(optimal.Fastest(all.back().bytes - 1).has_value());
  }
}

TEST(DistinctSchedulesTest, FinerSlotsReachSmallerLimits) {
  std::mt19937 random(6);
  for (int round = 0; round < 20; ++round) {
    std::vector<StageCosts> stages = RandomChain(&random, 24);
    for (StageCosts& stage : stages) stage.keep_bytes *= 20;
    const int64_t peak = AllKeptPeak(stages);
    const std::vector<TimedSchedule> all = DistinctSchedules(stages, peak, 60);
    for (size_t n = 0; n < all.size(); ++n) {
      EXPECT_GE(all[n].time_ms, all[n == 0 ? 0 : n - 1].time_ms);
      EXPECT_TRUE(ValidateSchedule(all[n].schedule, 24).ok());
      EXPECT_LE(ReplayInSlots(stages, all[n].schedule, 1).peak_slots, all[n].bytes);
      for (size_t k = 0; k < n; ++k) EXPECT_FALSE(all[k].schedule == all[n].schedule);
    }
    for (int64_t total : {peak, peak / 2, peak / 4}) {
      const std::vector<TimedSchedule> some = OptimalSchedules(stages, total, 60).Distinct();
      EXPECT_FALSE(some.empty());
      for (const TimedSchedule& one : some) {
        EXPECT_TRUE(std::any_of(all.begin(), all.end(), [&one](const TimedSchedule& other) {
          return other.schedule == one.schedule && other.bytes <= one.bytes;
        }));
      }
    }
  }
}

TEST(OptimalSchedulesTest, SolvesSixtyFourStagesInFiveHundredSlots) {
  std::vector<StageCosts> stages = PlainChain(65);
  for (size_t i = 0; i < stages.size(); ++i) {
    stages[i].lean_bytes = 40;
    stages[i].lean_ms = stages[i].keep_ms;
    stages[i].lean_backward_ms = stages[i].backward_ms + 1 + static_cast<double>(i % 7) / 8;
  }
  const int64_t peak = AllKeptPeak(stages);
  const auto start = std::chrono::steady_clock::now();
  const OptimalSchedules optimal(stages, peak, 500);
  const auto solved = std::chrono::steady_clock::now();
  const std::vector<TimedSchedule> all = optimal.Distinct();
  const auto listed = std::chrono::steady_clock::now();
  using Ms = std::chrono::duration<double, std::milli>;
  std::cout << "64 stages and the loss: solved in " << Ms(solved - start).count() << " ms, "
            << all.size() << " schedules listed in " << Ms(listed - solved).count() << " ms\n";
  ASSERT_FALSE(all.empty());
  for (const TimedSchedule& one : all) {
    EXPECT_TRUE(ValidateSchedule(one.schedule, 65).ok());
    EXPECT_LE(ReplayInSlots(stages, one.schedule, 1).peak_slots, one.bytes);
  }
}

}  // namespace
}  // namespace slimreel
