// The pinned numbers, unless said otherwise, were printed by the functions that these replaced.
// They must not change, because results depend on them.
#include "base/counter_random.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <vector>

namespace slimreel {
namespace {

constexpr uint64_t kAllOnes = ~uint64_t{0};

TEST(CounterRandomTest, TheBitsOfMixBitsArePinned) {
  EXPECT_EQ(MixBits(0), 0u);
  EXPECT_EQ(MixBits(1), 0x5692161d100b05e5u);
  EXPECT_EQ(MixBits(0x0123456789abcdef), 0xb2c058e4ebb5112cu);
  EXPECT_EQ(MixBits(kAllOnes), 0xb4d055fcf2cbbd7bu);
}

TEST(CounterRandomTest, TheBitsOfOneCounterArePinned) {
  EXPECT_EQ(CounterBits(0x0123456789abcdef, 0), 0xb2c058e4ebb5112cu);
  EXPECT_EQ(CounterBits(0x0123456789abcdef, 1), 0x157a3807a48faa9du);
  EXPECT_EQ(CounterBits(0x0123456789abcdef, 1000000), 0x1ffee2d5e612d1c3u);
}

TEST(CounterRandomTest, TheBitsOfSeveralCountersArePinned) {
  EXPECT_EQ(CounterBits({}), 0u);
  EXPECT_EQ(CounterBits({0}), 0xca23bb4e5daf0ff5u);
  EXPECT_EQ(CounterBits({1, 2, 3}), 0xb6a19685ebd8614au);
  EXPECT_EQ(CounterBits({3, 2, 1}), 0x0ad9839de627b998u);
  EXPECT_EQ(CounterBits({7, 0x706978656c, kAllOnes}), 0xa2349d8ebe89b7f4u);
}

TEST(CounterRandomTest, TheBitsOfMixKeysArePinned) {
  EXPECT_EQ(MixKeys(0, 0), 0x48218226ff3cd4bfu);
  EXPECT_EQ(MixKeys(1, 2), 0x081a5c1377856b73u);
  EXPECT_EQ(MixKeys(2, 1), 0xf2826f98653e9e57u);
  EXPECT_EQ(MixKeys(7, kAllOnes), 0x0524257c04fcf117u);
}

TEST(CounterRandomTest, BelowBoundMapsBitsOntoTheRange) {
  EXPECT_EQ(BelowBound(0x0123456789abcdef, 1000), 4);
  EXPECT_EQ(BelowBound(uint64_t{1} << 63, 1000), 500);
  EXPECT_EQ(BelowBound(kAllOnes, 1000), 999);
  EXPECT_EQ(BelowBound(kAllOnes, std::numeric_limits<int64_t>::max()),
            std::numeric_limits<int64_t>::max() - 1);
  EXPECT_EQ(BelowBound(0, 1), 0);
}

TEST(CounterRandomTest, UniformNumbersArePinned) {
  EXPECT_EQ(UniformDouble(0), 0.0);
  EXPECT_EQ(UniformDouble(0x0123456789abcdef), 0x1.23456789abc8p-8);
  EXPECT_EQ(UniformDouble(kAllOnes), 0x1.fffffffffffffp-1);
  EXPECT_EQ(UniformFloat(0), 0.0f);
  EXPECT_EQ(UniformFloat(0x0123456789abcdef), 0x1.2345p-8f);
  EXPECT_EQ(UniformFloat(kAllOnes), 0x1.fffffep-1f);
}

// Made by the algorithm as published, in Python's whole numbers, from the state 1234567.
TEST(SplitMix64Test, TheNumbersAreThePublishedOnes) {
  SplitMix64 random(1234567);
  for (const uint64_t expected : {6457827717110365317u, 3203168211198807973u, 9817491932198370423u,
                                  4593380528125082431u, 16408922859458223821u}) {
    EXPECT_EQ(random.Bits(), expected);
  }
}

TEST(SplitMix64Test, UniformNumbersAndScaledFloatsArePinned) {
  SplitMix64 random(42);
  for (const double expected : {0x1.b533fabeef99p+0, -0x1.33508ffd83fd5p+0, -0x1.36c7f6994164p-1}) {
    EXPECT_EQ(random.Uniform(-2, 3), expected);
  }
  random = SplitMix64(42);
  for (const float expected : {0x1.53eeeep+5f, 0x1.25363p+3f, 0x1.fed7cep+3f}) {
    EXPECT_EQ(UniformFloat(random.Bits()) * 57.3f, expected);
  }
}

TEST(SplitMix64Test, CounterBitsAreItsSequenceFromOneEarlier) {
  SplitMix64 random(42);
  for (uint64_t i = 1; i < 10; ++i) EXPECT_EQ(random.Bits(), CounterBits(42, i));
}

TEST(SplitMix64Test, UniformNumbersFillTheRangeEvenly) {
  SplitMix64 random(3);
  std::vector<int> tenths(10);
  for (int i = 0; i < 10000; ++i) {
    const double value = random.Uniform(-2.0, 3.0);
    ASSERT_GE(value, -2.0);
    ASSERT_LT(value, 3.0);
    ++tenths[static_cast<int>((value + 2.0) * 2)];
  }
  for (const int count : tenths) EXPECT_NEAR(count, 1000, 150);  // 5 standard deviations
}

}  // namespace
}  // namespace slimreel
