#include "base/bytes.h"

#include <gtest/gtest.h>

namespace slimreel {
namespace {

TEST(BytesTest, UnitsArePowersOf1024Or1000) {
  EXPECT_EQ(*ParseBytes("4GiB"), int64_t{4} << 30);
  EXPECT_EQ(*ParseBytes("4000MB"), 4000000000);
  EXPECT_EQ(*ParseBytes("1.5 gib"), 1610612736);
  EXPECT_EQ(*ParseBytes("9007199254740993"), 9007199254740993);  // 2^53 + 1: no double holds it
  EXPECT_EQ(*ParseBytes("2k"), 2048);
}

TEST(BytesTest, NonsenseIsRefused) {
  for (const char* text : {"", "GiB", "-1", "0", "4 GiBs", "1e9", "1..2GB", "nan", "inf", "80%",
                           "99999999999TiB", "0x10", "+5GB"}) {
    EXPECT_EQ(ParseBytes(text).status().code(), absl::StatusCode::kInvalidArgument) << text;
  }
  for (const char* text : {"0%", "101%", "%", "-5%", "5%%"}) {
    EXPECT_EQ(ParseByteSpec(text).status().code(), absl::StatusCode::kInvalidArgument) << text;
  }
}

TEST(BytesTest, ASpecPrintsWhatReadsBackToTheSame) {
  for (const char* text : {"80%", "12.5%", "4GiB", "1536MiB", "123457"}) {
    const ByteSpec spec = *ParseByteSpec(text);
    EXPECT_EQ(*ParseByteSpec(FormatByteSpec(spec)), spec) << text;
  }
  EXPECT_EQ(ParseByteSpec("25%")->Resolve(1000), 250);
  EXPECT_EQ(FormatBytes(1610612736), "1.5 GiB");
}

}  // namespace
}  // namespace slimreel
