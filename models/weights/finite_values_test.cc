#include "models/weights/finite_values.h"

#include <gtest/gtest.h>

#include <cstring>
#include <limits>
#include <string>
#include <vector>

namespace slimreel {
namespace {

constexpr WeightType kF64 = WeightType::kF64, kF32 = WeightType::kF32;

template <typename T>
std::string Bytes(const std::vector<T>& values) {
  std::string bytes(values.size() * sizeof(T), '\0');
  std::memcpy(bytes.data(), values.data(), bytes.size());
  return bytes;
}

template <typename T>
std::vector<T> Bad() {
  using Limits = std::numeric_limits<T>;
  return {Limits::quiet_NaN(), -Limits::quiet_NaN(), Limits::signaling_NaN(), Limits::infinity(),
          -Limits::infinity()};
}

// Sizes near the block size, and bytes that are not aligned.
TEST(FiniteValuesTest, EveryPlaceCountsAndFiniteExtremesDoNot) {
  using Limits = std::numeric_limits<float>;
  for (const size_t size : {1u, 7u, 1023u, 1024u, 1025u, 5000u}) {
    std::vector<float> values(size, Limits::max());
    for (size_t i = 0; i < size; i += 3) values[i] = i % 2 == 0 ? Limits::denorm_min() : -0.0f;
    EXPECT_EQ(CountNotFinite(Bytes(values), kF32, kF32), 0) << size;
    const auto bad = Bad<float>();
    for (const size_t at : {size_t{0}, size / 2, size - 1}) values[at] = bad[at % bad.size()];
    const int64_t expected = size == 1 ? 1 : 3;
    const std::string shifted = "x" + Bytes(values);
    EXPECT_EQ(CountNotFinite(std::string_view(shifted).substr(1), kF32, kF32), expected) << size;
  }
  EXPECT_EQ(CountNotFinite("", kF32, kF32), 0);
}

TEST(FiniteValuesTest, AllKindsOfEveryFloatingPointTypeCount) {
  EXPECT_EQ(CountNotFinite(Bytes(Bad<float>()), kF32, kF32), 5);
  EXPECT_EQ(CountNotFinite(Bytes(Bad<double>()), kF64, kF64), 5);
  EXPECT_EQ(CountNotFinite(Bytes(Bad<double>()), kF64, kF32), 5);
  // Infinite and NaN, of both signs; the largest finite value; zero.
  EXPECT_EQ(CountNotFinite(Bytes<uint16_t>({0x7c00, 0xfc00, 0x7e00, 0xfc01, 0x7bff, 0}),
                           WeightType::kF16, kF32),
            4);
  EXPECT_EQ(CountNotFinite(Bytes<uint16_t>({0x7f80, 0xff80, 0x7fc0, 0xff81, 0x7f7f, 0}),
                           WeightType::kBF16, kF32),
            4);
  EXPECT_EQ(CountNotFinite(std::string(64, '\xff'), WeightType::kI32, kF32), 0);
}

TEST(FiniteValuesTest, Float64BeyondFloat32CountsOnlyIfItBecomesFloat32) {
  const double largest = std::numeric_limits<float>::max();
  const std::string bytes = Bytes<double>({1e300, -1e39, largest, -largest, 1e-300});
  EXPECT_EQ(CountNotFinite(bytes, kF64, kF32), 2);
  EXPECT_EQ(CountNotFinite(bytes, kF64, kF64), 0);
}

// The count of all elements of a block does not overflow the narrowest type.
TEST(FiniteValuesTest, ABlockOfOnlyBadValuesIsCountedCompletely) {
  EXPECT_EQ(CountNotFinite(Bytes(std::vector<uint16_t>(200'000, 0x7c00)), WeightType::kF16, kF32),
            200'000);
}

}  // namespace
}  // namespace slimreel
