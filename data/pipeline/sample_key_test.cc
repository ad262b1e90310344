#include "data/pipeline/sample_key.h"

#include <gtest/gtest.h>

namespace slimreel {
namespace {

TEST(SampleKeyTest, StemsAreSafeUniqueAndIndependentOfTheOrder) {
  const auto stems = KeyStems({"left/a b.mp4", "left/a.b.mp4", "x.mp4", ".mp4"});
  EXPECT_EQ(stems[2], "x");
  EXPECT_EQ(stems[0].find("left__a_b_"), 0u);
  EXPECT_NE(stems[0], stems[1]);
  EXPECT_EQ(stems[3], "_mp4");
  EXPECT_EQ(KeyStems({"left/a.b.mp4", "left/a b.mp4"})[0], stems[1]);
  EXPECT_EQ(SampleKey("x", 12), "x-00012");
}

}  // namespace
}  // namespace slimreel
