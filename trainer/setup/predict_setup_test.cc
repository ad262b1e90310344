#include "trainer/setup/predict_setup.h"

#include <gtest/gtest.h>

namespace slimreel {
namespace {

TEST(PredictSetupTest, APictureIsBoundedByTheHostBudgetOrByFreeMemory) {
  constexpr int64_t kGiB = int64_t{1} << 30;
  HostMemory host;
  host.limits = {{"physical memory", "/proc/meminfo", 16 * kGiB, 8 * kGiB}};
  host.available_bytes = 8 * kGiB;
  Config config;
  EXPECT_EQ(MakePredictOptions(config, {}, host, at::kCPU).max_decoded_frame_bytes, kGiB / 2);
  config.memory.host_budget = ByteSpec{kGiB, 0.0};
  EXPECT_EQ(MakePredictOptions(config, {}, host, at::kCPU).max_decoded_frame_bytes, kGiB / 4);
}

}  // namespace
}  // namespace slimreel
