#include "trainer/setup/device.h"

#include <gtest/gtest.h>

#include <tuple>

namespace slimreel {
namespace {

TEST(DeviceTest, AMissingDeviceIsRefusedWithTheDevicesThatExist) {
  EXPECT_EQ(ResolveDevice("auto", 0)->str(), "cpu");
  EXPECT_EQ(ResolveDevice("auto", 2)->str(), "cuda:0");
  EXPECT_EQ(ResolveDevice("cpu", 2)->str(), "cpu");
  EXPECT_EQ(ResolveDevice("cuda", 2)->str(), "cuda:0");
  EXPECT_EQ(ResolveDevice("cuda:1", 2)->str(), "cuda:1");
  const std::tuple<const char*, int64_t, const char*> kRefused[] = {
      {"cuda:7", 1, "finds 1 CUDA device(s); allowed here are auto, cpu, cuda:0"},
      {"cuda:2", 2, "allowed here are auto, cpu, cuda:0, cuda:1"},
      {"cuda:200", 1, "cuda:0"},
      {"cuda:0", 0, "finds no CUDA device; allowed here are auto, cpu"},
      {"cuda", 0, "finds no CUDA device"},
      {"cuda:-1", 1, "trainer.device is \"cuda:-1\"; allowed is auto | cpu | cuda | cuda:i"},
      {"cuda:x", 1, "allowed is"},
      {"cuda:1x", 2, "allowed is"},
      {"cuda: 1", 2, "allowed is"},
      {"cuda:", 1, "allowed is"}};
  for (const auto& [device, count, words] : kRefused) {
    const absl::Status status = ResolveDevice(device, count).status();
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << device << status;
    EXPECT_NE(status.message().find(words), absl::string_view::npos) << status;
  }
}

}  // namespace
}  // namespace slimreel
