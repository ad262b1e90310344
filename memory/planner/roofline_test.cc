#include "memory/planner/roofline.h"

#include <gtest/gtest.h>

#include <memory>

namespace slimreel {
namespace {

constexpr BlockRef Local(int n) { return {BlockSpace::kLocal, n}; }

// One stage that makes 1000 bytes, reads 100 bytes of parameters and counts `flops`.
ChainProfile Chain(int64_t flops) {
  auto stage = std::make_shared<StageProfile>();
  stage->forward_flops = flops;
  stage->parameter_bytes = 100;
  const OpTrace trace{.events = {{1000, Local(0)}, {0, Local(0)}},
                      .outputs = {},
                      .saved = {},
                      .seeded = {},
                      .learnt = {},
                      .ms = 77.0};
  stage->nograd = stage->keep = stage->backward_keep = {trace, trace};
  ChainProfile chain;
  chain.input_bytes = {1};
  chain.stages = {stage};
  return chain;
}

constexpr Roofline kRoofline{.flops_per_ms = 10.0, .bytes_per_ms = 100.0, .launch_ms = 0.5};

TEST(RooflineTest, TheLargerOfArithmeticAndTrafficDecides) {
  const ChainProfile compute = OnDevice(Chain(1000), kRoofline, 1);
  EXPECT_DOUBLE_EQ(compute.stages[0]->keep[kFirst].ms, 1000 / 10.0);
  EXPECT_DOUBLE_EQ(compute.stages[0]->backward_keep[kFirst].ms, 2000 / 10.0);
  const ChainProfile traffic = OnDevice(Chain(1), kRoofline, 1);
  EXPECT_DOUBLE_EQ(traffic.stages[0]->keep[kFirst].ms, (2 * 1000 + 100) / 100.0);
  EXPECT_DOUBLE_EQ(traffic.stages[0]->backward_keep[kFirst].ms, (2 * 1000 + 2 * 100) / 100.0);
}

TEST(RooflineTest, AnOperationTakesAtLeastItsLaunch) {
  const Roofline fast{.flops_per_ms = 1e12, .bytes_per_ms = 1e12, .launch_ms = 0.5};
  EXPECT_DOUBLE_EQ(OnDevice(Chain(1), fast, 1).stages[0]->keep[kFirst].ms, 0.5);
}

TEST(RooflineTest, BlocksAreRoundedUpAndFreesStayFrees) {
  const ChainProfile chain = OnDevice(Chain(1), kRoofline, 512);
  EXPECT_EQ(chain.stages[0]->keep[kFirst].events[0].bytes, 1024);
  EXPECT_EQ(chain.stages[0]->keep[kFirst].events[1].bytes, 0);
  EXPECT_EQ(chain.input_bytes[0], 512);
}

TEST(RooflineTest, OnlyAShareOfThePeaksIsReached) {
  const Roofline roofline = RooflineOf(/*tflops=*/10.0, /*bandwidth_gb_s=*/500.0);
  EXPECT_DOUBLE_EQ(roofline.flops_per_ms, kFlopsShare * 1e13 / 1e3);
  EXPECT_DOUBLE_EQ(roofline.bytes_per_ms, kBandwidthShare * 5e11 / 1e3);
}

}  // namespace
}  // namespace slimreel
