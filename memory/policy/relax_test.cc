#include "memory/policy/relax.h"

#include <gtest/gtest.h>

namespace slimreel {
namespace {

RelaxView Calm() {
  return {.tightened = true,
          .oom_retries = 0,
          .under_pressure = false,
          .wider_bytes = 800,
          .ceiling_bytes = 1000};
}

// Calm checkpoints until the plan is relaxed; `state` is moved on. 0: not within 1000.
int64_t CheckpointsUntilRelaxed(RelaxState* state) {
  for (int64_t number = 1; number <= 1000; ++number) {
    const RelaxDecision decision = DecideRelax(Calm(), *state);
    *state = decision.next;
    if (decision.relax) return number;
  }
  return 0;
}

TEST(RelaxTest, ThePlanRelaxesAfterTwoCalmCheckpoints) {
  RelaxState state;
  EXPECT_EQ(CheckpointsUntilRelaxed(&state), 2);
}

TEST(RelaxTest, EveryDisturbanceStartsTheCountAnew) {
  RelaxView retried = Calm(), pressed = Calm(), wide = Calm(), untouched = Calm();
  retried.oom_retries = 1;
  pressed.under_pressure = true;
  wide.wider_bytes = 901;
  untouched.tightened = false;
  for (const RelaxView& view : {retried, pressed, wide, untouched}) {
    RelaxState state = DecideRelax(Calm(), {}).next;
    const RelaxDecision decision = DecideRelax(view, state);
    EXPECT_FALSE(decision.relax);
    state = decision.next;
    EXPECT_EQ(CheckpointsUntilRelaxed(&state), 2);
  }
}

TEST(RelaxTest, TheWiderPlanMustLeaveATenthOfTheCeiling) {
  for (int64_t wider = 0; wider <= 1000; ++wider) {
    for (const int64_t ceiling : {0, 1000}) {
      RelaxView view = Calm();
      view.wider_bytes = wider;
      view.ceiling_bytes = ceiling;
      const bool fits = ceiling == 0 || wider <= 900;
      EXPECT_EQ(DecideRelax(view, {.calm_checkpoints = 1}).relax, fits) << wider;
    }
  }
}

TEST(RelaxTest, EachFailedAttemptDoublesTheWait) {
  RelaxView retried = Calm();
  retried.oom_retries = 1;
  RelaxState state;
  for (const int64_t wait : {2, 4, 8, 16, 32, 64, 64, 64}) {
    EXPECT_EQ(CheckpointsUntilRelaxed(&state), wait);
    state = DecideRelax(retried, state).next;  // it did not hold
  }
}

TEST(RelaxTest, APlanThatHeldOneCheckpointIsNoFailedAttemptLater) {
  RelaxState state;
  ASSERT_EQ(CheckpointsUntilRelaxed(&state), 2);
  RelaxView held = Calm();
  held.tightened = false;
  state = DecideRelax(held, state).next;
  RelaxView retried = Calm();
  retried.oom_retries = 3;
  state = DecideRelax(retried, state).next;
  EXPECT_EQ(state.failures, 0);
  EXPECT_EQ(CheckpointsUntilRelaxed(&state), 2);
}

TEST(RelaxTest, PressureKeepsAnAttemptOnTrial) {
  RelaxState state;
  ASSERT_EQ(CheckpointsUntilRelaxed(&state), 2);
  RelaxView pressed = Calm();
  pressed.under_pressure = true;
  state = DecideRelax(pressed, state).next;
  EXPECT_TRUE(state.on_trial);
  pressed.oom_retries = 1;
  EXPECT_EQ(DecideRelax(pressed, state).next.failures, 1);
}

}  // namespace
}  // namespace slimreel
