#include "data/pipeline/sample_key.h"

#include <gtest/gtest.h>
#include <xxhash.h>

#include <set>

#include "absl/strings/str_format.h"

namespace slimreel {
namespace {

std::string HashOf(const std::string& text) {
  return absl::StrFormat("%012x",
                         XXH3_64bits(text.data(), text.size()) & ((uint64_t{1} << 48) - 1));
}

TEST(SampleKeyTest, AStemIsTheSafeNameAndTheHashOfTheFullName) {
  const std::string cafe = "caf\xe9.mp4";
  const auto stems = KeyStems({{"left/a b.mp4", "p"},
                               {"x.mp4", "q"},
                               {".mp4", "r"},
                               {cafe, "s"},
                               {"left.d/noextension", "t"},
                               {std::string(100, 'k') + ".mp4", "u"}});
  EXPECT_EQ(stems[0], "left__a_b_" + HashOf("left/a b.mp4"));
  EXPECT_EQ(stems[1], "x_" + HashOf("x.mp4"));
  EXPECT_EQ(stems[2], "_mp4_" + HashOf(".mp4"));
  EXPECT_EQ(stems[3], "caf__" + HashOf(cafe));
  EXPECT_EQ(stems[4], "left_d__noextension_" + HashOf("left.d/noextension"));
  EXPECT_EQ(stems[5], std::string(80, 'k') + "_" + HashOf(std::string(100, 'k') + ".mp4"));
  EXPECT_EQ(SampleKey("x", 12), "x-00012");
}

// So parts with different lists, and later preparations, give a video the same key.
TEST(SampleKeyTest, AStemDependsOnlyOnTheName) {
  const std::vector<NamedVideo> all = {{"ke/1.avi", "v1/ke/1.avi"},
                                       {"ke/1.mp4", "v1/ke/1.mp4"},
                                       {"ke_1.mp4", "v1/ke_1.mp4"},
                                       {"ke__1.mp4", "v1/ke__1.mp4"}};
  const auto stems = KeyStems(all);
  EXPECT_EQ(std::set<std::string>(stems.begin(), stems.end()).size(), 4u);
  for (size_t i = 0; i < all.size(); ++i) {
    EXPECT_EQ(KeyStems({all[i]})[0], stems[i]);
    const std::string elsewhere = "elsewhere/" + std::string(all[i].name);
    EXPECT_EQ(KeyStems({{all[i].name, elsewhere}})[0], stems[i]);
  }
}

TEST(SampleKeyTest, VideosOfTheSameNameInTwoInputsHashTheirPaths) {
  const auto stems = KeyStems({{"a.mp4", "left/a.mp4"}, {"b.mp4", "b.mp4"}, {"a.mp4", "r/a.mp4"}});
  EXPECT_EQ(stems[0], "a_" + HashOf("left/a.mp4"));
  EXPECT_EQ(stems[1], "b_" + HashOf("b.mp4"));
  EXPECT_EQ(stems[2], "a_" + HashOf("r/a.mp4"));
  EXPECT_EQ(KeyStems({{"a.mp4", "r/a.mp4"}, {"a.mp4", "left/a.mp4"}})[0], stems[2]);
}

}  // namespace
}  // namespace slimreel
