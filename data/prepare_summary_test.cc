#include "data/prepare_summary.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace slimreel {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

PrepareSummary LabelledSummary() {
  PrepareSummary summary;
  summary.videos = {{"ok", 3}, {"unchanged", 1}};
  summary.classes = {"left", "right"};
  summary.samples = 9;
  return summary;
}

TEST(PrepareSummaryTest, LabelsAndRemovalsAreMentionedOnlyIfSomethingIsUnexpected) {
  const std::string text = SummaryText({}, LabelledSummary());
  EXPECT_THAT(text, HasSubstr("videos:  3 ok, 1 unchanged\n"));
  EXPECT_THAT(text, HasSubstr("samples: 9 with 0 frames, 2 classes\n"));
  EXPECT_THAT(text, Not(HasSubstr("labels:")));
  EXPECT_THAT(text, Not(HasSubstr("removed:")));
}

TEST(PrepareSummaryTest, RemovedVideosAreCounted) {
  PrepareSummary summary = LabelledSummary();
  summary.removed = 4;
  EXPECT_THAT(SummaryText({}, summary), HasSubstr("removed: 4 videos that the earlier run had"));
}

TEST(PrepareSummaryTest, UnlabelledSamplesAreCountedAndAllUnlabelledGetsARemedy) {
  PrepareSummary summary = LabelledSummary();
  summary.unlabelled_samples = 2;
  summary.unlabelled_videos = 1;
  EXPECT_THAT(SummaryText({}, summary), HasSubstr("labels:  none for 2 samples of 1 videos\n"));
  summary.unlabelled_samples = 9;
  const std::string text = SummaryText({}, summary);
  EXPECT_THAT(text, HasSubstr("labels:  none (1 videos)"));
  EXPECT_THAT(text, HasSubstr("a folder per class"));
  EXPECT_THAT(text, HasSubstr("--annotations"));
}

}  // namespace
}  // namespace slimreel
