#include "base/word_list.h"

#include <gtest/gtest.h>

namespace slimreel {
namespace {

TEST(WordListTest, WordsAreFoundInAnyCase) {
  EXPECT_EQ(FindWord("mean", {"max", "mean"}), 1u);
  EXPECT_EQ(FindWord("Max", {"max", "mean"}), 0u);
  EXPECT_EQ(FindWord("me", {"max", "mean"}), std::nullopt);
  EXPECT_EQ(FindWord("", {}), std::nullopt);
}

TEST(WordListTest, TheListIsSeparatedByBars) { EXPECT_EQ(WordList({"max", "mean"}), "max | mean"); }

}  // namespace
}  // namespace slimreel
