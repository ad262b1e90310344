#include "data/annotations/label_lines.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "data/annotations/testing/written_lines.h"

namespace slimreel {
namespace {

Texts Lines(const std::string& text, const std::set<std::string>& there = {}) {
  return Written(ParseLabelLines(text, "l.txt", Names(there)));
}

TEST(LabelLinesTest, TheLastWordIsTheLabelAndPathsMayHaveBlanks) {
  EXPECT_EQ(Lines("# head\n\n  a dir/one two.mp4   left \r\nb.mp4 3\n"),
            (Texts{"3|a dir/one two.mp4|left", "4|b.mp4|3"}));
}

TEST(LabelLinesTest, ASingleWordIsNotAPathUnlessItNamesAVideo) {
  EXPECT_EQ(Lines("\xEF\xBB\xBFleft\nright"), (Texts{"1||left", "2||right"}));
  EXPECT_EQ(Lines("a.MP4\nclip\nleft", {"clip"}), (Texts{"1|a.MP4|", "2|clip|", "3||left"}));
}

TEST(LabelLinesTest, AfterATabTheLabelMayHaveBlanks) {
  EXPECT_EQ(Lines("a b.mp4\tturns left\nc.mp4 \t 3\n\"d.mp4\"\tgoes on\n"),
            (Texts{"1|a b.mp4|turns left", "2|c.mp4|3", "3|d.mp4|goes on"}));
}

TEST(LabelLinesTest, ALineThatNamesAFileOrEndsLikeAVideoHasNoLabel) {
  EXPECT_EQ(Lines("/x/drinking (31).mp4\nmy clip\nmy dog\n", {"my clip", "my", "my dog"}),
            (Texts{"1|/x/drinking (31).mp4|", "2|my clip|", "3|my dog|"}));
  EXPECT_EQ(Lines("a b.mp4 c.mp4\n", {"a b.mp4"}), (Texts{"1|a b.mp4 c.mp4|"}));
}

TEST(LabelLinesTest, AnUndecidedLineIsLikeTheOtherLines) {
  // Names without extensions, and missing files.
  EXPECT_EQ(Lines("x/run 3\nb.mp4\nc d.mp4\n"), (Texts{"1|x/run 3|", "2|b.mp4|", "3|c d.mp4|"}));
  EXPECT_EQ(Lines("x/run 3\nb.mp4 2\nc d.mp4\n"), (Texts{"1|x/run|3", "2|b.mp4|2", "3|c d.mp4|"}));
  EXPECT_EQ(Lines("x/run 3\nx/walk 4\n"), (Texts{"1|x/run|3", "2|x/walk|4"}));
}

TEST(LabelLinesTest, ALineWithAHashIsACommentUnlessItNamesAFile) {
  const std::string text = "#1 goal.mp4 3\n#2.mp4\n# note\n\"#3.mp4\" 4\n#4.mp4 5\n";
  EXPECT_EQ(Lines(text, {"#1 goal.mp4", "#2.mp4"}),
            (Texts{"1|#1 goal.mp4|3", "2|#2.mp4|", "4|#3.mp4|4"}));
  const auto file = ParseLabelLines(text, "l.txt", Names({}));
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_EQ(file->lines.size(), 1u);
  ASSERT_EQ(file->warnings.size(), 1u);  // no warning for the note, which is not like a video
  EXPECT_EQ(file->warnings[0].substr(0, 26), "l.txt: 3 lines with names ");
  EXPECT_NE(file->warnings[0].find("line 1"), std::string::npos);
}

TEST(LabelLinesTest, APathMayBeInQuotes) {
  EXPECT_EQ(Lines("\"uni/a b.mp4\" left\r\n\"a \"\"b\"\".mp4\"\t3\n\"c d.mp4\"\n\"turns left\"\n"),
            (Texts{"1|uni/a b.mp4|left", "2|a \"b\".mp4|3", "3|c d.mp4|", "4||turns left"}));
}

TEST(LabelLinesTest, BadLinesAreRefusedWithTheLine) {
  for (const char* line :
       {"\"a b.mp4 left", "\"a.mp4\"left", "\"a\" b.mp4 left", "a.mp4 turns left", "a.mp4 1 3",
        "a.mp4,left", "a.mp4;left", "a.mp4, left", "a.mp4\t3\t120"}) {
    EXPECT_EQ(Lines(std::string("x y\n") + line)[0].substr(0, 9), "l.txt:2: ") << line;
  }
  EXPECT_EQ(Lines(std::string("a b\n\0x y\n", 9))[0].substr(0, 9), "l.txt:2: ");  // a NUL byte
  EXPECT_EQ(Lines("a.mp4 copy 3\n", {"a.mp4 copy"}), (Texts{"1|a.mp4 copy|3"}));
}

TEST(LabelLinesTest, BytesThatAreNotUtf8StayAndOldLineEndsAreRead) {
  EXPECT_EQ(Lines("caf\xe9.mp4 3\rb.mp4 4\r"), (Texts{"1|caf\xe9.mp4|3", "2|b.mp4|4"}));
}

}  // namespace
}  // namespace slimreel
