#include "memory/manager/pressure.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace slimreel {
namespace {

constexpr int64_t kCeiling = 1000;
constexpr PressureRules kRules{.device_threshold = 0.85,
                               .host_threshold = 0.80,
                               .interval_seconds = 30.0,
                               .force_cleanup_every = 0};

PoolReading Pool(int64_t taken, int64_t ceiling = kCeiling) {
  PoolReading pool;
  pool.taken_bytes = taken;
  pool.ceiling_bytes = ceiling;
  return pool;
}

MemoryReading At(double seconds, int64_t device, int64_t host) {
  MemoryReading reading;
  reading.seconds = seconds;
  reading.device = Pool(device);
  reading.host = Pool(host);
  reading.host_left_bytes = kCeiling - host;
  return reading;
}

TEST(PressureTest, LevelsFollowTheThresholdForEveryShare) {
  for (const double threshold : {0.05, 0.5, 0.8, 0.85, 1.0}) {
    for (int64_t taken = 0; taken <= kCeiling; ++taken) {
      const double share = static_cast<double>(taken) / kCeiling;
      const PoolLevel expected = share > threshold           ? PoolLevel::kAbove
                                 : share <= 0.94 * threshold ? PoolLevel::kCalm
                                                             : PoolLevel::kBetween;
      ASSERT_EQ(LevelOf(Pool(taken), threshold), expected) << taken << " at " << threshold;
    }
  }
}

TEST(PressureTest, APoolWithoutACeilingIsAlwaysCalm) {
  EXPECT_EQ(LevelOf(Pool(int64_t{1} << 50, 0), 0.01), PoolLevel::kCalm);
}

TEST(PressureTest, TheFirstReadingAboveEitherThresholdCleansUp) {
  for (int64_t device = 0; device <= kCeiling; device += 10) {
    for (int64_t host = 0; host <= kCeiling; host += 10) {
      const PressureDecision decision = DecidePressure(kRules, At(5, device, host), {});
      const bool above = device > 850 || host > 800;
      ASSERT_EQ(decision.clean_up, above) << device << " " << host;
      ASSERT_EQ(decision.next.under_pressure, above);
      ASSERT_FALSE(decision.relieved);
    }
  }
}

// Seconds at which checks that come every second clean up, if the pool stays at `taken`.
std::vector<double> CleanUps(int64_t taken, double seconds) {
  std::vector<double> times;
  PressureState state;
  for (double now = 0; now <= seconds; ++now) {
    const PressureDecision decision = DecidePressure(kRules, At(now, taken, 0), state);
    state = decision.next;
    if (decision.clean_up) times.push_back(now);
  }
  return times;
}

TEST(PressureTest, CleanUpsOfLastingPressureComeEverRarer) {
  const std::vector<double> expected = {0, 30, 90, 210, 450, 930, 1410, 1890};
  EXPECT_EQ(CleanUps(900, 2000), expected);
  EXPECT_TRUE(CleanUps(850, 2000).empty());
}

TEST(PressureTest, AShareThatRisesDoesNotWait) {
  PressureState state = DecidePressure(kRules, At(0, 900, 0), {}).next;
  EXPECT_FALSE(DecidePressure(kRules, At(1, 949, 0), state).clean_up);
  EXPECT_TRUE(DecidePressure(kRules, At(1, 951, 0), state).clean_up);
  EXPECT_TRUE(DecidePressure(kRules, At(1, 900, 951), state).clean_up) << "the other pool";
}

TEST(PressureTest, ReliefWaitsUntilBothPoolsWereCalmForAnInterval) {
  PressureState state = DecidePressure(kRules, At(0, 900, 900), {}).next;
  // Calm is at most 0.94 * 850 = 799 and 0.94 * 800 = 752.
  const std::vector<MemoryReading> readings = {
      At(10, 700, 700), At(20, 800, 700), At(30, 700, 700), At(59, 700, 700), At(60, 700, 700),
  };
  for (size_t i = 0; i < readings.size(); ++i) {
    const PressureDecision decision = DecidePressure(kRules, readings[i], state);
    EXPECT_EQ(decision.relieved, i == 4) << i;
    EXPECT_EQ(decision.next.under_pressure, i < 4) << i;
    state = decision.next;
  }
  EXPECT_FALSE(DecidePressure(kRules, At(1000, 0, 0), state).relieved) << "only once";
}

TEST(PressureTest, EachReliefThatDidNotLastDoublesTheWaitForTheNext) {
  PressureState state;
  double now = 0;
  for (const double wait : {30, 60, 120, 240, 480, 480, 480}) {
    state = DecidePressure(kRules, At(now, 900, 0), state).next;
    const double calm_since = ++now;
    while (true) {
      const PressureDecision decision = DecidePressure(kRules, At(now, 0, 0), state);
      state = decision.next;
      if (decision.relieved) break;
      ++now;
    }
    EXPECT_EQ(now - calm_since, wait);
    ++now;
  }
}

TEST(PressureTest, PressureThatComesBackIsCleanedUpAtOnce) {
  PressureState state = DecidePressure(kRules, At(0, 900, 0), {}).next;
  state = DecidePressure(kRules, At(10, 0, 0), state).next;
  PressureDecision decision = DecidePressure(kRules, At(40, 0, 0), state);
  ASSERT_TRUE(decision.relieved);
  EXPECT_TRUE(DecidePressure(kRules, At(41, 860, 0), decision.next).clean_up);
}

TEST(PressureTest, ForcedCleanUpsCountSteps) {
  for (const int64_t every : {0, 1, 3}) {
    PressureRules rules = kRules;
    rules.force_cleanup_every = every;
    for (int64_t steps = 0; steps < 20; ++steps) {
      const bool due = every > 0 && steps > 0 && steps % every == 0;
      EXPECT_EQ(ForcedCleanupIsDue(rules, steps), due) << every << " " << steps;
    }
  }
}

TEST(PressureTest, ANeighbourTakesASmallPartOfWhatIsLeftUntilTheNextCheck) {
  for (int64_t left = 0; left < (int64_t{64} << 30); left = left * 2 + 1) {
    MemoryReading reading;
    reading.host = Pool(0, int64_t{64} << 30);
    reading.host_left_bytes = left;
    const double seconds = SecondsToNextCheck(kRules, reading);
    EXPECT_LE(seconds, 30.0);
    EXPECT_GE(seconds, 0.05);
    const double taken = seconds * 100e6;
    EXPECT_TRUE(seconds == 0.05 || taken <= static_cast<double>(left) / 32 * 1.000001) << left;
  }
}

TEST(PressureTest, WithoutAHostCeilingTheIntervalIsTheConfiguredOne) {
  EXPECT_EQ(SecondsToNextCheck(kRules, MemoryReading()), 30.0);
}

TEST(PressureTest, TheCeilingOfAStepIsWhatIsTakenAndTheHostsRestHolds) {
  constexpr int64_t kMiB = 1 << 20;
  for (int64_t host = 0; host <= 1024; host += 8) {
    MemoryReading reading;
    reading.device.taken_bytes = 100 * kMiB;
    reading.host = Pool(host * kMiB, 1024 * kMiB);
    reading.host_left_bytes = (1024 - host) * kMiB;
    const int64_t more = StepCeiling(reading) - 100 * kMiB;
    // 2 % for what are no tensors, and a part for the neighbour until the next check.
    const int64_t room = std::max<int64_t>(
        0, reading.host_left_bytes - std::max<int64_t>(16 * kMiB, reading.host_left_bytes / 50));
    EXPECT_EQ(more, room - room / 32) << host;
    const double neighbour = 100e6 * SecondsToNextCheck(kRules, reading);
    if (room > 0 && SecondsToNextCheck(kRules, reading) > 0.05) {
      EXPECT_LE(static_cast<double>(more) + neighbour,
                static_cast<double>(reading.host_left_bytes));
    }
  }
}

// Of two limits, the one with the larger share may be the larger one in bytes, too.
TEST(PressureTest, TheReserveDependsOnWhatIsLeftAndNotOnTheLimitThatIsUsedUpMost) {
  MemoryReading reading;
  reading.host = Pool(int64_t{7} << 30, int64_t{24} << 30);
  reading.host_left_bytes = int64_t{500} << 20;
  EXPECT_GT(StepCeiling(reading), int64_t{450} << 20);
}

TEST(PressureTest, AHostWithoutKnownLimitsSetsNoCeiling) {
  EXPECT_EQ(StepCeiling(MemoryReading()), 0);
}

TEST(PressureTest, NoTensorsYetStillGetACeiling) {
  MemoryReading reading;
  reading.host = Pool(1000);
  EXPECT_GT(StepCeiling(reading), 0) << "0 would mean none";
}

TEST(PressureTest, PreparationLeavesThePoolThatIsShort) {
  const std::vector<PoolLevel> levels = {PoolLevel::kCalm, PoolLevel::kBetween, PoolLevel::kAbove};
  for (const Placement preferred : {Placement::kCpu, Placement::kDevice}) {
    for (const Placement now : {Placement::kCpu, Placement::kDevice}) {
      for (const PoolLevel device : levels) {
        for (const PoolLevel host : levels) {
          for (const bool under_pressure : {false, true}) {
            PressureDecision decision;
            decision.device = device;
            decision.host = host;
            decision.next.under_pressure = under_pressure;
            Placement expected = under_pressure ? now : preferred;
            if (device == PoolLevel::kAbove && host != device) expected = Placement::kCpu;
            if (host == PoolLevel::kAbove && host != device) expected = Placement::kDevice;
            EXPECT_EQ(ChoosePlacement(preferred, now, decision), expected);
          }
        }
      }
    }
  }
}

}  // namespace
}  // namespace slimreel
