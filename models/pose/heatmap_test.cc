#include "models/pose/heatmap.h"

#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "models/pose/heatmap_input.h"
#include "models/testing/parity.h"

namespace slimreel {
namespace {

at::Tensor OneJoint(float x, float y, float score) {
  return at::tensor({x, y, score}, at::kFloat).view({1, 1, 1, 1, 3});
}

// testdata/heatmaps.json holds what mmaction2's GeneratePoseTarget draws for random joints, some
// outside of the image and some faint. tools/parity/make_conv_fixtures.py makes it.
TEST(HeatmapTest, EqualsMmactionsGenerator) {
  const nlohmann::json fixture = ReadFixture("models/pose/testdata/heatmaps.json");
  ASSERT_FALSE(fixture["cases"].empty());
  for (const nlohmann::json& one : fixture["cases"]) {
    const auto sizes = one["sizes"].get<std::vector<int64_t>>();  // 1, M, T, V, 3
    const at::Tensor keypoints =
        at::tensor(one["keypoints"].get<std::vector<float>>(), at::kFloat).view(sizes);
    const at::Tensor got =
        DrawHeatmaps(keypoints, {one["height"], one["width"], one["sigma"]}).flatten();
    at::Tensor expected = at::zeros({got.numel()}, at::kFloat);
    for (const auto& [position, value] :
         one["values"].get<std::vector<std::pair<int64_t, float>>>()) {
      expected[position] = value;
    }
    EXPECT_TRUE(at::equal(got.ne(0), expected.ne(0)));
    EXPECT_LT((got - expected).abs().max().item<float>(), 2e-7f);  // two exp functions
  }
}

TEST(HeatmapTest, ScoreScalesAndFaintJointsDrawNothing) {
  const at::Tensor map = DrawHeatmaps(OneJoint(4, 3, 0.5f), {8, 8, 0.6});
  EXPECT_FLOAT_EQ(map[0][0][0][3][4].item<float>(), 0.5f);
  EXPECT_NEAR(map[0][0][0][3][5].item<float>(), 0.5 * std::exp(-1 / 0.72), 1e-6);
  EXPECT_EQ(map[0][0][0][3][6].item<float>(), 0.0f);  // int(4 + 1.8) is 5
  EXPECT_EQ(DrawHeatmaps(OneJoint(4, 3, 0.99e-4f), {8, 8, 0.6}).abs().max().item<float>(), 0.0f);
}

TEST(HeatmapTest, NanAndHugeJointsDrawNothing) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  for (const at::Tensor& joint :
       {OneJoint(nan, 3, 1), OneJoint(3, 1e30f, 1), OneJoint(3, 3, nan)}) {
    EXPECT_EQ(DrawHeatmaps(joint, {8, 8, 0.6}).abs().max().item<float>(), 0.0f);
  }
}

TEST(HeatmapTest, BitsDoNotDependOnTheNumberOfThreads) {
  // Overlapping joints of two persons, and enough pixels for several threads.
  const at::Tensor keypoints = at::rand({3, 2, 6, 17, 3}).mul(at::tensor({56.0f, 56.0f, 1.0f}));
  at::set_num_threads(1);
  const at::Tensor alone = DrawHeatmaps(keypoints, {56, 56, 0.6});
  for (const int threads : {2, 5}) {
    at::set_num_threads(threads);
    EXPECT_TRUE(at::equal(DrawHeatmaps(keypoints, {56, 56, 0.6}), alone)) << threads;
  }
  at::set_num_threads(1);
}

TEST(HeatmapTest, InputStageTakesKeypointsOrReadyHeatmapsAndHandsFramesOn) {
  HeatmapInput stage({8, 8, 0.6}, 1, at::kDouble);
  const at::Tensor frames = at::zeros({1, 3, 1, 8, 8}, at::kByte);
  const Tensors drawn = stage.Forward({}, {frames, OneJoint(4, 3, 1)});
  EXPECT_TRUE(drawn[0].is_same(frames));
  EXPECT_EQ(drawn[1].scalar_type(), at::kDouble);
  EXPECT_EQ(drawn[1].sizes(), at::IntArrayRef({1, 1, 1, 8, 8}));
  EXPECT_TRUE(at::equal(stage.Forward({}, {frames, drawn[1]})[1], drawn[1]));
}

}  // namespace
}  // namespace slimreel
