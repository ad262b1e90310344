#include "memory/planner/stage_costs.h"

#include <gtest/gtest.h>

#include <memory>

namespace slimreel {
namespace {

constexpr BlockRef Local(int n) { return {BlockSpace::kLocal, n}; }
constexpr BlockRef Input(int n) { return {BlockSpace::kInput, n}; }
constexpr BlockRef Saved(int n) { return {BlockSpace::kSaved, n}; }
constexpr BlockRef Gradient(int n) { return {BlockSpace::kGradient, n}; }

OpTrace Trace(std::vector<TraceEvent> events, std::vector<BlockRef> outputs,
              std::vector<BlockRef> saved, double ms) {
  OpTrace trace;
  trace.events = std::move(events);
  trace.outputs = std::move(outputs);
  trace.saved = std::move(saved);
  trace.ms = ms;
  return trace;
}

// Makes 100 bytes and hands its input slot 0 on; keeps 40 bytes and its input; 7 bytes of scratch.
std::shared_ptr<StageProfile> Stage() {
  auto stage = std::make_shared<StageProfile>();
  const OpTrace keep = Trace({{100, Local(0)}, {40, Local(1)}, {7, Local(2)}, {0, Local(2)}},
                             {Input(0), Local(0)}, {Input(0), Local(1)}, 2.0);
  const OpTrace nograd =
      Trace({{100, Local(0)}, {60, Local(1)}, {0, Local(1)}}, {Input(0), Local(0)}, {}, 1.0);
  // Frees the 40 bytes, then makes 90 bytes, the gradient of its input.
  const OpTrace backward =
      Trace({{0, Saved(1)}, {90, Local(0)}, {0, Gradient(0)}}, {Local(0)}, {}, 3.0);
  stage->keep = {keep, keep};
  stage->nograd = {nograd, nograd};
  stage->backward_keep = {backward, backward};
  return stage;
}

std::shared_ptr<StageProfile> Loss() {
  auto stage = std::make_shared<StageProfile>();
  OpTrace keep = Trace({{4, Local(0)}, {4, Local(1)}}, {Local(0)}, {Input(1)}, 0.5);
  keep.seeded = {Local(1)};
  const OpTrace backward = Trace({{100, Local(0)}, {0, Gradient(0)}}, {Local(0)}, {}, 0.5);
  stage->keep = stage->nograd = {keep, keep};
  stage->backward_keep = {backward, backward};
  return stage;
}

ChainProfile Chain() {
  ChainProfile chain;
  chain.stages = {Stage(), Stage(), Loss()};
  return chain;
}

TEST(StageCostsTest, BytesAndTimesAreThoseOfTheTraces) {
  const StageCosts costs = CostsOf(Chain(), true)[1];
  EXPECT_EQ(costs.output_bytes, 100);
  EXPECT_EQ(costs.keep_bytes, 40) << "the input is not counted";
  EXPECT_EQ(costs.keep_transient_bytes, 7);
  EXPECT_EQ(costs.forward_transient_bytes, 60);
  EXPECT_EQ(costs.gradient_bytes, 90);
  EXPECT_EQ(costs.keep_ms, 2.0);
  EXPECT_EQ(costs.forward_ms, 1.0);
  EXPECT_EQ(costs.backward_ms, 3.0);
  EXPECT_LT(costs.lean_bytes, 0) << "no lean form";
}

TEST(StageCostsTest, ABackwardThatStartsWithoutItsOutputHasANegativeTransient) {
  // It starts with 40 saved + 100 of gradient; the costs say output + saved + gradient: 240. Its
  // own peak is 190: 100 of gradient and 90 of the new one.
  EXPECT_EQ(CostsOf(Chain(), true)[1].backward_transient_bytes, 190 - 240);
}

TEST(StageCostsTest, LeanCountsOnlyIfItIsAllowed) {
  ChainProfile chain = Chain();
  auto lean = std::make_shared<StageProfile>(*chain.stages[0]);
  lean->has_lean = true;
  lean->lean = lean->keep;
  lean->backward_lean = lean->backward_keep;
  chain.stages[0] = lean;
  EXPECT_EQ(CostsOf(chain, true)[0].lean_bytes, 40);
  EXPECT_LT(CostsOf(chain, false)[0].lean_bytes, 0);
}

TEST(StageCostsTest, AStorageThatIsHandedOnIsFollowedToItsLastReader) {
  ChainProfile chain = Chain();
  // Stage 1 hands its input slot 0 on; make stage 0 produce it as slot 0.
  auto first = std::make_shared<StageProfile>(*chain.stages[0]);
  for (OpTrace& trace : first->keep) trace.outputs = {Local(0)};
  chain.stages[0] = first;
  const std::vector<HandedOn> handed_on = CostsOf(chain, true)[0].handed_on;
  ASSERT_EQ(handed_on.size(), 1u);
  EXPECT_EQ(handed_on[0].bytes, 100);
  EXPECT_EQ(handed_on[0].last_reader, 2);
}

TEST(StageCostsTest, FixedTimesForgetWhatWasMeasuredAndKeepTheBytes) {
  const std::vector<StageCosts> measured = CostsOf(Chain(), true);
  std::vector<StageCosts> disturbed = measured;
  for (StageCosts& stage : disturbed) stage.keep_ms = stage.backward_ms *= 2.5;
  const auto times = [](const StageCosts& stage) {
    return std::vector<double>{stage.forward_ms, stage.keep_ms, stage.lean_ms, stage.backward_ms,
                               stage.lean_backward_ms};
  };
  for (size_t n = 0; n < measured.size(); ++n) {
    ASSERT_NE(times(measured[n]), times(disturbed[n]));
    EXPECT_EQ(times(WithFixedTimes(measured)[n]), times(WithFixedTimes(disturbed)[n]));
    EXPECT_EQ(WithFixedTimes(measured)[n].keep_bytes, measured[n].keep_bytes);
  }
}

}  // namespace
}  // namespace slimreel
