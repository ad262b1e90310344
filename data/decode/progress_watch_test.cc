#include "data/decode/progress_watch.h"

#include <gtest/gtest.h>

#include "data/decode/media_error.h"

namespace slimreel {
namespace {

TEST(ProgressWatchTest, TimeCountsFromTheLatestProgress) {
  int64_t now_us = 50;
  ProgressWatch watch({.timeout_us = 100, .clock_us = [&now_us] { return now_us; }});
  now_us = 150;
  EXPECT_FALSE(watch.Stopped());
  EXPECT_TRUE(watch.Check("a.mp4").ok());
  watch.Progress();
  now_us = 250;
  EXPECT_FALSE(watch.Stopped());
  now_us = 251;
  EXPECT_TRUE(watch.Stopped());
  EXPECT_EQ(ReasonOf(watch.Check("a.mp4")), kReasonNoProgress);
  watch.Progress();
  EXPECT_TRUE(watch.Stopped()) << "what was given up stays so";
}

TEST(ProgressWatchTest, AnInterruptionIsNotTheFilesError) {
  bool stop = false;
  ProgressWatch watch({.interrupted = [&stop] { return stop; }});
  EXPECT_FALSE(watch.Stopped());
  stop = true;
  const absl::Status status = watch.Check("a.mp4");
  EXPECT_EQ(status.code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(ReasonOf(status), "");
}

TEST(ProgressWatchTest, WithoutALimitNothingIsLate) {
  int64_t now_us = 0;
  ProgressWatch watch({.clock_us = [&now_us] { return now_us; }});
  now_us = INT64_MAX;
  EXPECT_FALSE(watch.Stopped());
}

}  // namespace
}  // namespace slimreel
