#include "configs/device_table.h"

#include <gtest/gtest.h>

namespace slimreel {
namespace {

std::string Table(const std::string& fields) { return "devices:\n  card: {" + fields + "}\n"; }
constexpr char kGood[] =
    "total_bytes: 8GiB, fp32_tflops: 10, half_tflops: 20, bandwidth_gb_s: 400, link_gb_s: 16, "
    "workspace_bytes: 1MiB";

TEST(DeviceTableTest, HasTheCardsThatAreAskedForFromSmallToLarge) {
  for (const char* name : {"gtx1650_4gb", "rtx2060_6gb", "rtx3070_8gb", "rtx4070_12gb", "t4_16gb",
                           "rtx4090_24gb", "a100_40gb", "a100_80gb", "h100_80gb", "h200_141gb"}) {
    EXPECT_TRUE(FindDevice(name).ok()) << name;
  }
  int64_t last = 0;
  for (const DeviceProfile& device : DeviceTable()) {
    EXPECT_LT(device.usable_bytes, device.total_bytes) << device.name;
    EXPECT_GE(device.usable_bytes, last) << device.name;
    last = device.usable_bytes;
  }
}

TEST(DeviceTableTest, AnUnknownNameGivesTheNearestOneAndTheList) {
  const auto found = FindDevice("rtx3070");
  ASSERT_TRUE(absl::IsNotFound(found.status()));
  EXPECT_NE(found.status().message().find("did you mean rtx3070_8gb"), absl::string_view::npos)
      << found.status();
  EXPECT_NE(found.status().message().find("h200_141gb"), absl::string_view::npos);
}

TEST(DeviceTableTest, UsableBytesFollowFromTheTotalUnlessTheyAreGiven) {
  const auto table = ParseDeviceTable(Table(kGood), "t.yaml");
  ASSERT_TRUE(table.ok()) << table.status();
  const int64_t total = int64_t{8} << 30;
  EXPECT_EQ((*table)[0].usable_bytes, total - total * 4 / 100 - (int64_t{400} << 20));
  const auto given = ParseDeviceTable(Table(std::string(kGood) + ", usable_bytes: 7GiB"), "t.yaml");
  EXPECT_EQ((*given)[0].usable_bytes, int64_t{7} << 30);
}

TEST(DeviceTableTest, MistakesNameFileLineDeviceAndField) {
  struct Case {
    std::string yaml;
    const char* part;
  };
  const std::string good = kGood;
  for (const Case& wrong :
       {Case{"devices: 3", "map `devices`"},
        {Table("total_bytes: 8GiB"), "lacks the field workspace_bytes"},
        {Table(good + ", colour: red"), "unknown field \"colour\""},
        {Table(good + ", usable_bytes: lots"), "usable_bytes must be an amount"},
        {Table(good + ", usable_bytes: 9GiB"), "at most total_bytes"},
        {"devices:\n  card: 4", "is no map"}}) {
    const auto table = ParseDeviceTable(wrong.yaml, "t.yaml");
    ASSERT_TRUE(absl::IsInvalidArgument(table.status())) << wrong.yaml;
    EXPECT_NE(table.status().message().find(wrong.part), absl::string_view::npos) << table.status();
    EXPECT_EQ(table.status().message().rfind("t.yaml", 0), 0u) << table.status();
  }
  std::string negative = good;
  negative.replace(negative.find("fp32_tflops: 10"), 15, "fp32_tflops: -1");
  EXPECT_FALSE(ParseDeviceTable(Table(negative), "t.yaml").ok());
}

}  // namespace
}  // namespace slimreel
