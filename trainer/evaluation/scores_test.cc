#include "trainer/evaluation/scores.h"

#include <ATen/ops/allclose.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/tensor.h>

#include "gtest/gtest.h"

namespace slimreel {
namespace {

at::Tensor Rgb() { return at::tensor({2.0, 0.0, -1.0, 300.0, 1.0, 5.0}, at::kFloat).view({2, 3}); }
at::Tensor Pose() { return at::tensor({0.0, 3.0, 1.0, -2.0, 0.5, 0.25}, at::kFloat).view({2, 3}); }

TEST(HeadScoresTest, OneHeadsLogitsStayAsTheyAre) {
  EXPECT_TRUE(at::equal(HeadScores({Rgb()}), Rgb().to(at::kDouble)));
}

TEST(HeadScoresTest, SeveralHeadsGiveTheMeanOfTheirSoftmaxes) {
  const at::Tensor mean =
      at::softmax(Rgb().to(at::kDouble), 1).add(at::softmax(Pose().to(at::kDouble), 1)).div(2);
  EXPECT_TRUE(at::allclose(at::softmax(HeadScores({Rgb(), Pose()}), 1), mean, 1e-12, 1e-12));
}

TEST(HeadScoresTest, TheOrderOfTheHeadsDoesNotMatter) {
  EXPECT_TRUE(at::allclose(HeadScores({Rgb(), Pose()}), HeadScores({Pose(), Rgb()}), 1e-14));
}

TEST(HeadScoresTest, HeadsOfDifferentSizesAreAMistakeOfTheCaller) {
  EXPECT_THROW(HeadScores({Rgb(), Pose().narrow(1, 0, 2)}), c10::Error);
  EXPECT_THROW(HeadScores({}), c10::Error);
}

}  // namespace
}  // namespace slimreel
