#include "base/nearest_name.h"

#include <gtest/gtest.h>

namespace slimreel {
namespace {

TEST(NearestNameTest, FewestEditsWinAndASwapIsOneEdit) {
  EXPECT_EQ(NearestName("lenght", {"lens", "length", "height"}), "length");
  EXPECT_EQ(DidYouMean("R3D_Nanno", {"r3d_nano", "r3d_18"}), "; did you mean r3d_nano?");
}

TEST(NearestNameTest, NothingIsSuggestedIfNoNameIsNear) {
  EXPECT_EQ(DidYouMean("xyzzy", {"batch_size"}), "");
  EXPECT_EQ(DidYouMean("a", {}), "");
}

}  // namespace
}  // namespace slimreel
