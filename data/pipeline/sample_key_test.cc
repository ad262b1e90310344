#include "data/pipeline/sample_key.h"

#include <gtest/gtest.h>

namespace slimreel {
namespace {

TEST(SampleKeyTest, StemsAreSafeUniqueAndIndependentOfTheOrder) {
  const auto stems =
      KeyStems({{"left/a b.mp4", "p"}, {"left/a.b.mp4", "q"}, {"x.mp4", "r"}, {".mp4", "s"}});
  EXPECT_EQ(stems[2], "x");
  EXPECT_EQ(stems[0].find("left__a_b_"), 0u);
  EXPECT_NE(stems[0], stems[1]);
  EXPECT_EQ(stems[3], "_mp4");
  EXPECT_EQ(KeyStems({{"left/a.b.mp4", "q"}, {"left/a b.mp4", "p"}})[0], stems[1]);
  EXPECT_EQ(SampleKey("x", 12), "x-00012");
}

TEST(SampleKeyTest, TheSameNameInTwoInputsGivesTwoStems) {
  const auto stems = KeyStems({{"a.mp4", "left/a.mp4"}, {"a.mp4", "right/a.mp4"}});
  EXPECT_NE(stems[0], stems[1]);
  EXPECT_EQ(KeyStems({{"a.mp4", "right/a.mp4"}, {"a.mp4", "left/a.mp4"}})[0], stems[1]);
}

}  // namespace
}  // namespace slimreel
