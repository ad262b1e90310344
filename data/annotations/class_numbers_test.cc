#include "data/annotations/class_numbers.h"

#include <gtest/gtest.h>

namespace slimreel {
namespace {

using Strings = std::vector<std::string>;
using Numbers = std::vector<int64_t>;

WrittenLabel Listed(const std::string& text) { return {text, false, "l.txt:1"}; }
WrittenLabel Folder(const std::string& text) { return {text, true, "in"}; }

std::string Refusal(const std::vector<WrittenLabel>& labels, const ClassRequest& request = {}) {
  const auto numbers = NumberClasses(labels, request);
  return numbers.ok() ? "none" : std::string(numbers.status().message());
}

TEST(ClassNumbersTest, FolderNamesAreAlwaysNames) {
  auto numbers = NumberClasses({Folder("01"), Folder("1")}, {});
  ASSERT_TRUE(numbers.ok()) << numbers.status();
  EXPECT_EQ(numbers->classes, (Strings{"01", "1"}));
  EXPECT_EQ(numbers->numbers, (Numbers{0, 1}));
  numbers = NumberClasses({Folder("2020"), Folder("2019")}, {});
  ASSERT_TRUE(numbers.ok()) << numbers.status();
  EXPECT_EQ(numbers->classes, (Strings{"2019", "2020"}));
  EXPECT_EQ(numbers->numbers, (Numbers{1, 0}));
  EXPECT_TRUE(numbers->warnings.empty());
  // Also if the known classes are numbers.
  EXPECT_NE(Refusal({Folder("01")}, {{"0", "1"}, {}, ""}).find("`01` is no class"),
            std::string::npos);
}

TEST(ClassNumbersTest, NumbersInListsStayAndEmptyClassesAreCounted) {
  const auto numbers = NumberClasses({Listed("2"), Listed("1"), Listed("02")}, {});
  ASSERT_TRUE(numbers.ok()) << numbers.status();
  EXPECT_EQ(numbers->classes, (Strings{"0", "1", "2"}));
  EXPECT_EQ(numbers->numbers, (Numbers{2, 1, 2}));
  ASSERT_EQ(numbers->warnings.size(), 1u);
  EXPECT_EQ(numbers->warnings[0].substr(0, 49),
            "1 of 3 classes have no video, the first is 0; num");
}

TEST(ClassNumbersTest, TheHighestNumberIsBounded) {
  EXPECT_EQ(Refusal({Listed("400000")}).substr(0, 16), "l.txt:1: 400000 ");
  EXPECT_EQ(Refusal({Listed("99999999999999999999")}).substr(0, 12), "l.txt:1: 999");
  const auto numbers = NumberClasses({Listed("21840")}, {});
  ASSERT_TRUE(numbers.ok()) << numbers.status();
  EXPECT_EQ(numbers->classes.size(), 21841u);
  EXPECT_EQ(numbers->warnings[0].substr(0, 16), "21840 of 21841 c");
}

TEST(ClassNumbersTest, ANameAmongNumbersMakesAllLabelsNamesWithAWarning) {
  const auto numbers = NumberClasses({Listed("10"), Listed("2"), Listed("3a")}, {});
  ASSERT_TRUE(numbers.ok()) << numbers.status();
  EXPECT_EQ(numbers->classes, (Strings{"10", "2", "3a"}));
  ASSERT_EQ(numbers->warnings.size(), 1u);
  EXPECT_EQ(numbers->warnings[0].substr(0, 37), "l.txt:1: `3a` is no number, so the 2 ");
}

TEST(ClassNumbersTest, NumbersTogetherWithFolderNamesNeedAnOrder) {
  EXPECT_NE(Refusal({Folder("left"), Listed("1")}).find("other labels are names (left)"),
            std::string::npos);
  const auto numbers =
      NumberClasses({Folder("left"), Listed("0")}, {{}, {"right", "left"}, "c.txt"});
  ASSERT_TRUE(numbers.ok()) << numbers.status();
  EXPECT_EQ(numbers->numbers, (Numbers{1, 0}));
  EXPECT_EQ(NumberClasses({Folder("7"), Listed("7")}, {})->numbers, (Numbers{0, 0}));
}

TEST(ClassNumbersTest, NamedClassesAreUniqueAndEqualTheKnownOnes) {
  EXPECT_EQ(Refusal({}, {{}, {"a", "a"}, "c.txt"}).substr(0, 23), "c.txt: class a is named");
  EXPECT_EQ(Refusal({}, {{"a", "b"}, {"b", "a"}, "c.txt"}).substr(0, 22), "c.txt: its class names");
}

}  // namespace
}  // namespace slimreel
