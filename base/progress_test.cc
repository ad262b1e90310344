#include "base/progress.h"

#include <gtest/gtest.h>

namespace slimreel {
namespace {

const absl::Time kStart = absl::FromUnixSeconds(1000);

std::string Contents(FILE* file) {
  rewind(file);
  char buffer[4096];
  return std::string(buffer, fread(buffer, 1, sizeof(buffer), file));
}

TEST(ProgressTest, RateAndTimeLeftCountOnlyThisRun) {
  Progress progress({.label = "train", .unit = "steps", .total = 40}, stderr, false, kStart, 10);
  EXPECT_EQ(progress.Line(20, "loss 1.2", kStart + absl::Seconds(5)),
            "train  20/40 steps  50%  2 steps/s  10s left  loss 1.2");
  EXPECT_EQ(FormatTimeLeft(absl::Seconds(3723)), "1h02m");
}

TEST(ProgressTest, PlainLinesComeAtIntervals) {
  FILE* file = tmpfile();
  {
    Progress progress({.label = "p", .unit = "v", .total = 4}, file, false, kStart);
    progress.Update(1, "", kStart + absl::Seconds(1));
    progress.Update(2, "", kStart + absl::Seconds(2));
    progress.Finish(4, "", kStart + absl::Seconds(4));
  }
  EXPECT_EQ(Contents(file), "p  1/4 v  25%  1 v/s  3s left\np  4/4 v  100%  1 v/s\n");
  fclose(file);
}

TEST(ProgressTest, TheLineIsRedrawnOnATerminal) {
  FILE* file = tmpfile();
  {
    Progress progress({.label = "p", .unit = "v"}, file, true, kStart);
    progress.Update(1, "", kStart + absl::Seconds(1));
    progress.Update(2, "", kStart + absl::Seconds(2));
  }
  EXPECT_EQ(Contents(file), "\r\033[Kp  1 v  1 v/s\r\033[Kp  2 v  1 v/s\n");
  fclose(file);
}

}  // namespace
}  // namespace slimreel
