#include "data/annotations/label_lines.h"

#include <gtest/gtest.h>

namespace slimreel {
namespace {

TEST(LabelLinesTest, TheLastWordIsTheLabelAndPathsMayHaveBlanks) {
  auto lines = ParseLabelLines("# head\n\n  a dir/one two.mp4\t left \r\nb.mp4 3\n", "l.txt");
  ASSERT_TRUE(lines.ok());
  ASSERT_EQ(lines->size(), 2u);
  EXPECT_EQ((*lines)[0].path, "a dir/one two.mp4");
  EXPECT_EQ((*lines)[0].label, "left");
  EXPECT_EQ((*lines)[0].line, 3);
  EXPECT_EQ((*lines)[1].path, "b.mp4");
  EXPECT_EQ((*lines)[1].label, "3");
}

TEST(LabelLinesTest, AWordAloneHasNoPath) {
  auto lines = ParseLabelLines("\xEF\xBB\xBFleft\nright", "classes.txt");
  ASSERT_TRUE(lines.ok());
  ASSERT_EQ(lines->size(), 2u);
  EXPECT_EQ((*lines)[0].label, "left");
  EXPECT_TRUE((*lines)[0].path.empty());
}

TEST(LabelLinesTest, BinaryFilesAreNamedWithTheLine) {
  auto lines = ParseLabelLines(std::string_view("a b\n\0x y\n", 9), "l.txt");
  EXPECT_EQ(lines.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_NE(lines.status().message().find("l.txt:2"), std::string::npos);
}

TEST(LabelLinesTest, OnlyDigitsAreNumbers) {
  EXPECT_EQ(LabelNumber("12"), 12);
  EXPECT_FALSE(LabelNumber("-1").has_value());
  EXPECT_FALSE(LabelNumber("3a").has_value());
  EXPECT_FALSE(LabelNumber("99999999999999999999").has_value());
}

}  // namespace
}  // namespace slimreel
