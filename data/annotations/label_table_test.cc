#include "data/annotations/label_table.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "data/annotations/testing/written_lines.h"

namespace slimreel {
namespace {

Texts Table(const std::string& text, char separator = ',',
            const std::set<std::string>& there = {}) {
  return Written(ParseLabelTable(text, "l.csv", separator, Names(there)));
}

TEST(LabelTableTest, FieldsFollowRfc4180) {
  EXPECT_EQ(Table("\xEF\xBB\xBF# note, with a comma\r\n\r\n"
                  "a b.mp4,turns left\r\n"
                  " \"c, \"\"d\"\".mp4\" , \"up\nand on\" \n"
                  "e.mp4,\nf.mp4\nleft"),
            (Texts{"3|a b.mp4|turns left", "4|c, \"d\".mp4|up\nand on", "6|e.mp4|", "7|f.mp4|",
                   "8||left"}));
}

TEST(LabelTableTest, ATsvIsSplitAtTabs) {
  EXPECT_EQ(Table("a b.mp4\tturns left\n\"c\td.mp4\"\t3\ne, f.mp4\t4\ng.mp4\t\n", '\t'),
            (Texts{"1|a b.mp4|turns left", "2|c\td.mp4|3", "3|e, f.mp4|4", "4|g.mp4|"}));
}

TEST(LabelTableTest, ARowThatNamesAFileHasNoLabel) {
  EXPECT_EQ(Table("a,b.mp4\n#c,d\n#e.mp4,3\n", ',', {"a,b.mp4", "#c"}),
            (Texts{"1|a,b.mp4|", "2|#c|d"}));
}

TEST(LabelTableTest, MistakesAreNamedWithTheLine) {
  for (const char* line : {"a,b.mp4,left", "\"a.mp4,left", "\"a\" b.mp4,left", ",left"}) {
    EXPECT_EQ(Table(std::string("x,y\n") + line)[0].substr(0, 9), "l.csv:2: ") << line;
  }
}

TEST(LabelTableTest, ATableHasTheSeparatorInHalfOfItsLines) {
  EXPECT_TRUE(IsLabelTable("a.mp4,1\nb.mp4\n", ','));
  EXPECT_FALSE(IsLabelTable("a, b.mp4 1\nc.mp4 2\nd.mp4 3\n", ','));
  EXPECT_FALSE(IsLabelTable("# a, b\na b.mp4 left\n", ','));
  EXPECT_TRUE(IsLabelTable("a\t1\n", '\t'));
}

}  // namespace
}  // namespace slimreel
