#include "memory/policy/outside_peaks.h"

#include <gtest/gtest.h>

namespace slimreel {
namespace {

constexpr OutsideTerms kTerms{.model_bytes = 1000,
                              .largest_tensor_bytes = 400,
                              .optimizer_bytes = 2000,
                              .step_bytes = 50,
                              .evaluation_batch_bytes = 30,
                              .forward_peak_bytes = 700};

TEST(OutsidePeaksTest, EachPhaseIsTheSumOfWhatItHolds) {
  const OutsidePeaks peaks = PredictOutsidePeaks(kTerms);
  EXPECT_EQ(peaks.load, 1000 + kBuildSlackBytes);
  EXPECT_EQ(peaks.resume, 3000);
  EXPECT_EQ(peaks.save, 3050);
  EXPECT_EQ(peaks.evaluate, 3780);
}

TEST(OutsidePeaksTest, AModelOfFloat64IsConvertedTensorByTensor) {
  OutsideTerms terms = kTerms;
  terms.float64 = true;
  EXPECT_EQ(PredictOutsidePeaks(terms).load, 1200 + kBuildSlackBytes);
  terms.optimizer_bytes = 0;  // SGD without momentum: building is the higher part of a resume
  EXPECT_EQ(PredictOutsidePeaks(terms).resume, 1200 + kBuildSlackBytes);
}

TEST(OutsidePeaksTest, ASaveCopiesOnlyWhatIsNotContiguous) {
  OutsideTerms terms = kTerms;
  terms.copied_tensor_bytes = 400;
  EXPECT_EQ(PredictOutsidePeaks(terms).save, 3450);
}

TEST(OutsidePeaksTest, EvaluateAndPredictHoldOnlyTheModel) {
  OutsideTerms terms = kTerms;
  terms.optimizer_bytes = terms.step_bytes = 0;
  EXPECT_EQ(PredictOutsidePeaks(terms).evaluate, 1730);
}

TEST(OutsidePeaksTest, PhasesAboveAreNamedInOrderWithTheirBytes) {
  const OutsidePeaks peaks{.load = 1024, .resume = 4096, .save = 2048, .evaluate = 8192};
  EXPECT_EQ(PhasesAbove(peaks, 8192), "");
  EXPECT_EQ(PhasesAbove(peaks, 2048), "resuming (4 KiB), evaluating (8 KiB)");
  EXPECT_EQ(PhasesAbove(peaks, 1023),
            "loading weights (1 KiB), resuming (4 KiB), saving (2 KiB), evaluating (8 KiB)");
}

}  // namespace
}  // namespace slimreel
