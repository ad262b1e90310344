#include "data/annotations/label_lines.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/test_files.h"

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

std::vector<std::string> Written(const absl::StatusOr<std::vector<LabelLine>>& lines) {
  std::vector<std::string> written = {std::string(lines.status().message())};
  if (!lines.ok()) return written;
  written.clear();
  for (const LabelLine& line : *lines) {
    written.push_back(std::to_string(line.line) + "|" + line.path + "|" + line.label);
  }
  return written;
}

using Texts = std::vector<std::string>;

TEST(LabelLinesTest, QuotesMayStandAroundAPath) {
  EXPECT_EQ(Written(ParseLabelLines("\"uni/a b.mp4\" left\r\n\"a \"\"b\"\".mp4\"\t3\n\"c d.mp4\"\n",
                                    "l.txt")),
            (Texts{"1|uni/a b.mp4|left", "2|a \"b\".mp4|3", "3||c d.mp4"}));
}

TEST(LabelLinesTest, QuotesThatDoNotFitAreNamedWithTheLine) {
  for (const char* line : {"\"a b.mp4 left", "\"a.mp4\"left", "\"a\" b.mp4 left"}) {
    const std::string message = Written(ParseLabelLines(std::string("x y\n") + line, "l.txt"))[0];
    EXPECT_EQ(message.substr(0, 9), "l.txt:2: ") << line;
  }
}

TEST(LabelTableTest, FieldsAreAsRfc4180HasThem) {
  EXPECT_EQ(Written(ParseLabelTable("\xEF\xBB\xBFPath, Label\r\n# note, with a comma\r\n\r\n"
                                    "a b.mp4,turns left\r\n"
                                    " \"c, \"\"d\"\".mp4\" , \"up\nand on\" \n"
                                    "e.mp4,\nf.mp4",
                                    "l.csv")),
            (Texts{"4|a b.mp4|turns left", "5|c, \"d\".mp4|up\nand on", "7|e.mp4|", "8||f.mp4"}));
}

TEST(LabelTableTest, WithoutAHeaderTheFirstLineIsAVideo) {
  EXPECT_EQ(Written(ParseLabelTable("a.mp4,0\npath,label\n", "l.csv")),
            (Texts{"1|a.mp4|0", "2|path|label"}));
}

TEST(LabelTableTest, MistakesAreNamedWithTheLine) {
  for (const char* line : {"a,b.mp4,left", "\"a.mp4,left", "\"a\" b.mp4,left", ",left"}) {
    const std::string message = Written(ParseLabelTable(std::string("x,y\n") + line, "l.csv"))[0];
    EXPECT_EQ(message.substr(0, 9), "l.csv:2: ") << line;
  }
}

TEST(LabelTableTest, OnlyACsvFileWithACommaIsATable) {
  const std::string folder = TestFolder("lists");
  const auto read = [&folder](const std::string& name, const std::string& text) {
    WriteTestFile(folder + "/" + name, text);
    return Written(ReadLabelLines(folder + "/" + name));
  };
  EXPECT_EQ(read("a.csv", "path,label\na b.mp4,left\n"), (Texts{"2|a b.mp4|left"}));
  EXPECT_EQ(read("a.CSV", "a b.mp4,left\n"), (Texts{"1|a b.mp4|left"}));
  EXPECT_EQ(read("b.csv", "# a, b\na b.mp4 left\n"), (Texts{"2|a b.mp4|left"}));
  EXPECT_EQ(read("c.txt", "a, b.mp4 left\n"), (Texts{"1|a, b.mp4|left"}));
}

TEST(LabelLinesTest, OnlyDigitsAreNumbers) {
  EXPECT_EQ(LabelNumber("12"), 12);
  EXPECT_FALSE(LabelNumber("-1").has_value());
  EXPECT_FALSE(LabelNumber("3a").has_value());
  EXPECT_FALSE(LabelNumber("99999999999999999999").has_value());
}

}  // namespace
}  // namespace slimreel
