#include "trainer/setup/precision.h"

#include <gtest/gtest.h>

namespace slimreel {
namespace {

TEST(PrecisionTest, EachWordHasItsDtypes) {
  const struct {
    Precision precision;
    at::ScalarType stored;
    std::optional<at::ScalarType> computed;
    bool scaled;
  } cases[] = {
      {Precision::k32, at::kFloat, std::nullopt, false},
      {Precision::k64, at::kDouble, std::nullopt, false},
      {Precision::k16, at::kFloat, at::kHalf, true},
      {Precision::kBf16, at::kFloat, at::kBFloat16, false},
  };
  for (const auto& test : cases) {
    const int which = static_cast<int>(test.precision);
    EXPECT_EQ(ParameterDtype(test.precision), test.stored) << which;
    EXPECT_EQ(AutocastDtype(test.precision), test.computed) << which;
    EXPECT_EQ(LossScaleFor(test.precision).has_value(), test.scaled) << which;
    // Accelerators have half precision; whole precision is never slower than itself.
    EXPECT_EQ(SlowPrecisionWarning(test.precision, at::Device(at::kCUDA, 0)), "") << which;
    if (!test.computed) {
      EXPECT_EQ(SlowPrecisionWarning(test.precision, at::kCPU), "") << which;
    }
  }
}

}  // namespace
}  // namespace slimreel
