#include "memory/manager/suggestions.h"

#include <gtest/gtest.h>

namespace slimreel {
namespace {

constexpr int64_t kMiB = 1 << 20;

std::vector<PredictedSaving> Savings() {
  return {
      {.setting = "trainer.precision=bf16",
       .device_bytes = 900 * kMiB,
       .price = "",
       .changes_result = true},
      {.setting = "dataloader.prefetch_factor=1",
       .host_bytes = 64 * kMiB,
       .price = "loading may fall behind"},
      {.setting = "memory.schedule=checkpoint",
       .device_bytes = 512 * kMiB,
       .price = "a step takes about a third longer"},
      {.setting = "data.batch_size=1", .device_bytes = 700 * kMiB, .host_bytes = kMiB, .price = ""},
      {.setting = "memory.schedule=lean", .price = "nothing is saved"}};
}

TEST(SuggestionsTest, ASentenceNamesTheSettingTheBytesAndThePrice) {
  const std::vector<std::string> expected = {
      "data.batch_size=1 saves 700 MiB of device memory and 1 MiB of host memory; the result "
      "stays the same.",
      "memory.schedule=checkpoint saves 512 MiB of device memory; the result stays the same; a "
      "step takes about a third longer.",
      "trainer.precision=bf16 saves 900 MiB of device memory; it changes what is learnt."};
  EXPECT_EQ(DescribeSavings(Savings(), /*device_in_need=*/true, /*host_in_need=*/false), expected);
}

TEST(SuggestionsTest, OnlyThePoolInNeedCounts) {
  const std::vector<std::string> host = DescribeSavings(Savings(), false, true);
  ASSERT_EQ(host.size(), 2u);
  EXPECT_EQ(host[0].find("dataloader.prefetch_factor=1 saves 64 MiB of host memory"), 0u);
  EXPECT_EQ(host[1].find("data.batch_size=1"), 0u);
  EXPECT_TRUE(DescribeSavings(Savings(), false, false).empty());
}

TEST(SuggestionsTest, TheWarningNamesPoolsCeilingsAndWhatWasFreed) {
  MemoryReading reading;
  reading.device = {.live_bytes = 10 * kMiB,
                    .taken_bytes = 95 * kMiB,
                    .ceiling_bytes = 100 * kMiB,
                    .origin = "memory.budget"};
  reading.host = {.live_bytes = 20 * kMiB,
                  .taken_bytes = 810 * kMiB,
                  .ceiling_bytes = 1000 * kMiB,
                  .origin = "cgroup v1"};
  EXPECT_EQ(PressureWarning(reading, true, true, 3 * kMiB, {"Do this.", "Or that."}),
            "memory is short. device memory: 95 % of 100 MiB (memory.budget) are taken, 10 MiB "
            "of it live in this process; host memory: 81 % of 1000 MiB (cgroup v1) are taken, "
            "20 MiB of it live in this process. A clean-up freed 3 MiB. Do this. Or that.");
  EXPECT_EQ(PressureWarning(reading, false, true, 0, {}).find("device"), std::string::npos);
}

}  // namespace
}  // namespace slimreel
