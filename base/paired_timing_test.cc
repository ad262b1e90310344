#include "base/paired_timing.h"

#include <gtest/gtest.h>

#include <string>

namespace slimreel {
namespace {

TEST(PairedTimingTest, AfterTheWarmUpEachIsInTurnTheFirst) {
  std::string order;
  const auto note = [&order](char who) {
    return [&order, who] {
      order += who;
      return absl::OkStatus();
    };
  };
  const auto times = TimePairs(3, note('o'), note('t'));
  ASSERT_TRUE(times.ok()) << times.status();
  EXPECT_EQ(order, "otottoot");
  EXPECT_EQ(times->speeds.size(), 3u);
  EXPECT_EQ(times->seconds.size(), 3u);
  EXPECT_EQ(MedianOfSorted({1, 2, 7}), 2);
}

TEST(PairedTimingTest, TheFirstErrorEndsIt) {
  int runs = 0;
  const auto fails_later = [&runs] {
    return ++runs < 3 ? absl::OkStatus() : absl::DataLossError("damaged");
  };
  EXPECT_EQ(TimePairs(9, fails_later, [] { return absl::OkStatus(); }).status(),
            absl::DataLossError("damaged"));
  EXPECT_EQ(runs, 3);
}

}  // namespace
}  // namespace slimreel
