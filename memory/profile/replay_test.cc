#include "memory/profile/replay.h"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

namespace slimreel {
namespace {

constexpr BlockRef Local(int n) { return {BlockSpace::kLocal, n}; }
constexpr BlockRef Input(int n) { return {BlockSpace::kInput, n}; }
constexpr BlockRef Saved(int n) { return {BlockSpace::kSaved, n}; }
constexpr BlockRef Gradient(int n) { return {BlockSpace::kGradient, n}; }

// y = f(x): makes an output of 100 bytes with 7 bytes of scratch, and keeps x for backward, which
// makes the gradient of x (100 bytes) and of a parameter (30 bytes).
std::shared_ptr<StageProfile> Middle() {
  auto stage = std::make_shared<StageProfile>();
  const OpTrace forward{.events = {{100, Local(0)}, {7, Local(1)}, {0, Local(1)}, {0, Input(0)}},
                        .outputs = {Local(0)},
                        .saved = {},
                        .seeded = {},
                        .learnt = {},
                        .ms = 2.0};
  OpTrace keep = forward;
  keep.events.pop_back();
  keep.saved = {Input(0)};
  const OpTrace backward{
      .events = {{30, Local(0)}, {100, Local(1)}, {0, Saved(0)}, {0, Gradient(0)}},
      .outputs = {Local(1)},
      .saved = {},
      .seeded = {},
      .learnt = {Local(0)},
      .ms = 3.0};
  OpTrace later = backward;
  later.events.push_back({0, Local(0)});
  later.learnt.clear();
  stage->nograd = {forward, forward};
  stage->keep = {keep, keep};
  stage->backward_keep = {backward, later};
  return stage;
}

// The loss: 4 bytes, and 4 bytes for the gradient that backward starts from; keeps its input.
std::shared_ptr<StageProfile> Loss() {
  auto stage = std::make_shared<StageProfile>();
  const OpTrace keep{.events = {{4, Local(0)}, {4, Local(1)}},
                     .outputs = {Local(0)},
                     .saved = {Input(0)},
                     .seeded = {Local(1)},
                     .learnt = {},
                     .ms = 1.0};
  const OpTrace backward{.events = {{100, Local(0)}, {0, Gradient(0)}, {0, Saved(0)}},
                         .outputs = {Local(0)},
                         .saved = {},
                         .seeded = {},
                         .learnt = {},
                         .ms = 1.0};
  stage->keep = {keep, keep};
  stage->backward_keep = {backward, backward};
  return stage;
}

ChainProfile Chain() {
  ChainProfile chain;
  chain.micro_batch = 1;
  chain.input_bytes = {1000};
  chain.names = {"a", "b", "loss"};
  chain.stages = {Middle(), Middle(), Loss()};
  return chain;
}

Schedule Words(const char* words) { return MakeSchedule(ParseStageModes(words, 2).value()); }

TEST(ReplayTest, KeptStagesHoldTheirInputsUntilTheirBackward) {
  const ChainProfile chain = Chain();
  // x0 is counted elsewhere. Forward leaves y0, y1 and the loss with its gradient: 208. Backward
  // of the loss adds 100 and drops the seed and y1 (204); of b adds 30 + 100: 334.
  EXPECT_EQ(ReplayStep(Words("keep"), {&chain}).bytes, 100 + 4 + 100 + 30 + 100);
}

TEST(ReplayTest, InputsOfTheRunAreFreedWhenNobodyHoldsThem) {
  const ChainProfile chain = Chain();
  const ReplayOptions given{.inputs = InputLife::kUntilUnused};
  // Stage a keeps x0 until its backward: at that of b all of it still lives.
  EXPECT_EQ(ReplayStep(Words("keep"), {&chain}, given).bytes, 1000 + 334);
  const ReplayPeak peak = ReplayStep(Words("keep"), {&chain}, given);
  EXPECT_EQ(peak.input_bytes, 1000);
  EXPECT_EQ(peak.operation, 4u);  // B(b)
}

// The frozen prefix hands 100 bytes to stage a and needs x0 no longer.
TEST(ReplayTest, InputsThatAreReadInPlaceLiveUntilTheirMicroBatchEnds) {
  ChainProfile chain = Chain();
  chain.prefix = {Middle()};
  const auto peak_of = [&chain](InputLife life) {
    return ReplayStep(Words("keep"), {&chain}, {.inputs = life});
  };
  EXPECT_EQ(peak_of(InputLife::kElsewhere).bytes, 100 + 334);
  EXPECT_EQ(peak_of(InputLife::kUntilUnused).bytes, 1000 + 107) << "in the prefix";
  EXPECT_EQ(peak_of(InputLife::kMicroBatch).bytes, 1000 + 100 + 334);
  EXPECT_EQ(peak_of(InputLife::kMicroBatch).input_bytes, 1000);
  chain.input_bytes = {10};
  EXPECT_EQ(peak_of(InputLife::kUntilUnused).bytes, 100 + 334);
  EXPECT_EQ(peak_of(InputLife::kUntilUnused).input_bytes, 0) << "unused at the peak";
}

TEST(ReplayTest, OnlyTheInputsOfOneMicroBatchLive) {
  const ChainProfile chain = Chain();
  ChainProfile longer = Chain();
  longer.input_bytes = {2000};
  const ReplayOptions in_place{.inputs = InputLife::kMicroBatch};
  // As without inputs, and one micro-batch's.
  EXPECT_EQ(ReplayStep(Words("keep"), {&chain, &chain}, in_place).bytes, 334 + 60 + 4 + 1000);
  // A short last one: the peak is in the first.
  const ReplayPeak peak = ReplayStep(Words("keep"), {&longer, &chain}, in_place);
  EXPECT_EQ(peak.bytes, 334 + 2000);
  EXPECT_EQ(peak.input_bytes, 2000);
  EXPECT_EQ(peak.micro_batch, 0u);
}

TEST(ReplayTest, ACheckpointedStageRunsAgainAndCostsItsTime) {
  const ChainProfile chain = Chain();
  EXPECT_DOUBLE_EQ(ReplayStep(Words("keep"), {&chain}).ms, 2 * (2.0 + 3.0) + 2.0);
  EXPECT_DOUBLE_EQ(ReplayStep(Words("checkpoint"), {&chain}).ms, 2 * (2.0 + 2.0 + 3.0) + 2.0);
}

TEST(ReplayTest, LaterMicroBatchesAddToTheGradientsOfTheFirst) {
  const ChainProfile chain = Chain();
  // 60 bytes of gradients live on; the peak of the second is at B(b), where 30 are made anew.
  // The loss of the first micro-batch lives on, too.
  EXPECT_EQ(ReplayStep(Words("keep"), {&chain, &chain}).bytes, 334 + 60 + 4);
  EXPECT_EQ(ReplayStep(Words("keep"), {&chain, &chain}).gradient_bytes, 60);
}

TEST(ReplayTest, AReleasedGradientIsGoneBeforeTheNextStageGoesBackward) {
  ChainProfile chain = Chain();
  auto large = std::make_shared<StageProfile>(*Middle());
  for (OpTrace& trace : large->backward_keep) trace.events[0].bytes = 1000;  // of the parameter
  chain.stages = chain.releasing_stages = {large, large, Loss()};
  chain.released_after = {{0}, {1}, {}};
  // At the end of B(a): the loss (4), the gradient of y0, both parameters', that of x0.
  EXPECT_EQ(ReplayStep(Words("keep"), {&chain}).bytes, 4 + 100 + 2 * 1000 + 100);
  // B(b) is the peak: loss, y0, gradient of y1, the parameter's, gradient of y0.
  const ReplayOptions release{.release = ReleaseBytes{.reserve = 50, .norm = 2}};
  const ReplayPeak peak = ReplayStep(Words("keep"), {&chain}, release);
  EXPECT_EQ(peak.bytes, 4 + 100 + 100 + 1000 + 100);
  EXPECT_EQ(peak.update_bytes, 0);
  // If that of a waits for nothing but is larger, B(a) is: b's norm lives, the reserve is gone.
  auto larger = std::make_shared<StageProfile>(*large);
  for (OpTrace& trace : larger->backward_keep) trace.events[0].bytes = 2000;
  chain.releasing_stages[0] = larger;
  const ReplayPeak later = ReplayStep(Words("keep"), {&chain}, release);
  EXPECT_EQ(later.bytes, 4 + 100 - 50 + 2 + 2000 + 100);
  EXPECT_EQ(later.update_bytes, 2 - 50);
}

TEST(ReplayTest, AParameterThatALowerStageUsesTooWaitsForIt) {
  ChainProfile chain = Chain();
  chain.releasing_stages = chain.stages;
  const ReplayOptions release{.release = ReleaseBytes{}};
  chain.released_after = {{0}, {0}, {}};  // tied: b's gradient waits for a
  std::vector<int64_t> live;
  ReplayStep(Words("keep"), {&chain}, release, [&](size_t, size_t operation, int64_t bytes) {
    if (operation == 5) live.push_back(bytes);  // B(a)
  });
  // It begins with the loss, b's gradient and that of y0, which is held until B(a) has ended.
  EXPECT_EQ(live.front(), 4 + 30 + 100 + 30);
}

TEST(ReplayTest, InputsOfCheckpointedStagesWaitOnTheHost) {
  ChainProfile chain = Chain();
  chain.stages = {Middle(), Middle(), Middle(), Loss()};
  const Schedule schedule = MakeSchedule(ParseStageModes("checkpoint", 3).value());
  // At B(c): y0 and y1, the loss, the gradient of y2, a parameter's and that of y1.
  EXPECT_EQ(ReplayStep(schedule, {&chain}).bytes, 2 * 100 + 4 + 100 + 30 + 100);
  const ReplayOptions offload{.offload_inputs = true};
  EXPECT_EQ(ReplayStep(schedule, {&chain}, offload).offloaded_bytes, 0) << "no slot may wait";
  auto waits = std::make_shared<StageProfile>(*Middle());
  waits->output_can_wait = {true};
  chain.stages = {waits, waits, waits, Loss()};
  const ReplayPeak peak = ReplayStep(schedule, {&chain}, offload);
  // Now it is B(b), when y0 has come back: the loss, c's gradient, y0, that of y1, b's, that of y0.
  EXPECT_EQ(peak.bytes, 4 + 30 + 100 + 100 + 30 + 100);
  EXPECT_EQ(peak.offloaded_bytes, 128 + 100) << "y1 begins at a multiple of 64";
}

TEST(ReplayTest, ForwardAloneHoldsOneInputAndOneOutput) {
  const ChainProfile chain = Chain();
  EXPECT_EQ(ReplayForward(chain), 100 + 100 + 7);
}

TEST(ExtrapolateTest, BytesLieOnTheLineThroughTwoSizes) {
  ChainProfile one = Chain();
  ChainProfile two = Chain();
  two.micro_batch = 2;
  two.input_bytes = {2000};
  auto doubled = std::make_shared<StageProfile>(*two.stages[0]);
  for (TraceEvent& event : doubled->keep[kFirst].events) event.bytes *= 2;
  two.stages[0] = doubled;
  const std::optional<ChainProfile> five = Extrapolate(one, two, 5);
  ASSERT_TRUE(five.has_value());
  EXPECT_EQ(five->input_bytes[0], 5000);
  EXPECT_EQ(five->stages[0]->keep[kFirst].events[0].bytes, 500);
  EXPECT_EQ(five->stages[0]->nograd[kFirst].events[0].bytes, 100);
}

TEST(ExtrapolateTest, BlocksGrowIfTheOrderOfAllocationsDiffers) {
  ChainProfile one = Chain();
  ChainProfile two = Chain();
  two.micro_batch = 2;
  auto other = std::make_shared<StageProfile>(*two.stages[1]);
  other->keep[kFirst].events.push_back({5, Local(2)});
  two.stages[1] = other;
  const std::optional<ChainProfile> four = Extrapolate(one, two, 4);
  ASSERT_TRUE(four.has_value());
  EXPECT_EQ(four->stages[1]->keep[kFirst].events.back().bytes, 10);
  EXPECT_EQ(four->stages[1]->keep[kFirst].events[0].bytes, 200);
  // The gradient of a parameter (30 bytes) has its size; that of the input grows.
  EXPECT_EQ(four->stages[1]->backward_keep[kFirst].events[0].bytes, 30);
  EXPECT_EQ(four->stages[1]->backward_keep[kFirst].events[1].bytes, 200);
  EXPECT_EQ(four->stages[0]->keep[kFirst].events[0].bytes, 100) << "the others keep their line";
}

TEST(ExtrapolateTest, OtherChainsHaveNoLine) {
  ChainProfile one = Chain();
  ChainProfile two = Chain();
  two.micro_batch = 2;
  two.stages.pop_back();
  EXPECT_FALSE(Extrapolate(one, two, 4).has_value());
}

}  // namespace
}  // namespace slimreel
