#include "data/annotations/label_file.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <set>
#include <string>

#include "base/exit_code.h"
#include "base/test_files.h"
#include "data/annotations/testing/written_lines.h"

namespace slimreel {
namespace {

class LabelFileTest : public testing::Test {
 protected:
  absl::StatusOr<LabelFile> Read(const std::string& name, const std::string& text,
                                 const std::set<std::string>& there = {}) {
    WriteTestFile(folder_ + "/" + name, text);
    return ReadLabelFile(folder_ + "/" + name, Names(there));
  }
  const std::string folder_ = TestFolder("lists");
};

TEST_F(LabelFileTest, TheFormFollowsFromNameAndContent) {
  EXPECT_EQ(Written(Read("a.csv", "a b.mp4,left\n")), (Texts{"1|a b.mp4|left"}));
  EXPECT_EQ(Written(Read("a.CSV", "a b.mp4,left\n")), (Texts{"1|a b.mp4|left"}));
  EXPECT_EQ(Written(Read("b.csv", "# a, b\na b.mp4 left\n")), (Texts{"2|a b.mp4|left"}));
  EXPECT_EQ(Written(Read("c.txt", "a, b.mp4 left\n")), (Texts{"1|a, b.mp4|left"}));
  EXPECT_EQ(Written(Read("d.tsv", "a b.mp4\tturns left\n")), (Texts{"1|a b.mp4|turns left"}));
  EXPECT_EQ(Written(Read("e.json", "{\"a.mp4\": {\"label\": \"FAKE\"}}")), (Texts{"1|a.mp4|FAKE"}));
  EXPECT_EQ(Written(Read("f.txt", "{\"a.mp4\": 1}")), (Texts{"1|a.mp4|1"}));
  EXPECT_NE(Written(Read("g.json", "a.mp4 1"))[0].find("no JSON"), std::string::npos);
}

TEST_F(LabelFileTest, AHeadingIsNotAVideo) {
  for (const char* head : {"path,label", "Path, Label", "video_path,label", "filename,class",
                           "file,target", "Video Name,Class Name"}) {
    const auto file = Read("a.csv", std::string("# note\n") + head + "\na.mp4,3\n");
    EXPECT_EQ(Written(file), (Texts{"3|a.mp4|3"})) << head;
    EXPECT_TRUE(file->warnings.empty()) << head;
  }
  EXPECT_EQ(Written(Read("a.csv", "youtube_id,label\nabc,3\n")), (Texts{"2|abc|3"}));
  EXPECT_EQ(Written(Read("a.tsv", "path\tlabel\na.mp4\tup\n")), (Texts{"2|a.mp4|up"}));
  EXPECT_EQ(Written(Read("a.txt", "path label\na.mp4 up\n")), (Texts{"2|a.mp4|up"}));
  EXPECT_EQ(Written(Read("a.txt", "video_path\na.mp4\n")), (Texts{"2|a.mp4|"}));
}

TEST_F(LabelFileTest, AnUnknownHeadingAboveVideosIsSkippedWithAWarning) {
  const auto file = Read("a.csv", "clip no,feeling\na.mp4,happy\nb.mp4,sad\n");
  EXPECT_EQ(Written(file), (Texts{"2|a.mp4|happy", "3|b.mp4|sad"}));
  ASSERT_EQ(file->warnings.size(), 1u);
  EXPECT_NE(file->warnings[0].find("a.csv:1: `clip no` and `feeling`"), std::string::npos);
}

TEST_F(LabelFileTest, AFirstVideoIsNotAHeading) {
  EXPECT_EQ(Written(Read("a.csv", "a.mp4,0\npath,label\n")), (Texts{"1|a.mp4|0", "2|path|label"}));
  EXPECT_EQ(Written(Read("a.csv", "path,label\na.mp4,up\n", {"path"})),
            (Texts{"1|path|label", "2|a.mp4|up"}));
  // Missing files without extensions, a number, a label that another line has.
  EXPECT_EQ(Written(Read("a.csv", "x,up\ny,down\n")), (Texts{"1|x|up", "2|y|down"}));
  EXPECT_EQ(Written(Read("a.csv", "x,1\nb.mp4,2\n")), (Texts{"1|x|1", "2|b.mp4|2"}));
  EXPECT_EQ(Written(Read("a.csv", "x,up\nb.mp4,up\n")), (Texts{"1|x|up", "2|b.mp4|up"}));
}

TEST_F(LabelFileTest, ImpossibleLabelsAreRefusedWithTheLine) {
  const auto refused = [this](const std::string& name, const std::string& text) {
    return Written(Read(name, text))[0].substr(folder_.size() + 1, 8);
  };
  EXPECT_EQ(refused("a.txt", "a.mp4 0\nb.mp4 -1\n"), "a.txt:2:");
  EXPECT_EQ(refused("a.csv", "a.mp4,0\nb.mp4,-1\n"), "a.csv:2:");
  EXPECT_EQ(refused("a.json", "{\"a.mp4\": 0,\n\"b.mp4\": -1}"), "a.json:2");
  EXPECT_EQ(refused("b.csv", "label,path\n3,a.mp4\n"), "b.csv:1:");
  EXPECT_EQ(refused("b.csv", "3,a.mp4\n"), "b.csv:1:");
  EXPECT_EQ(refused("b.csv", "a.mp4,b.mp4\n"), "b.csv:1:");
}

TEST_F(LabelFileTest, AFileThatCannotBeReadIsNamed) {
  const absl::Status folder = ReadLabelFile(folder_, Names({})).status();
  EXPECT_EQ(ExitCodeOf(folder), ExitCode::kUsage);
  EXPECT_NE(folder.message().find(folder_ + ": Is a directory"), std::string::npos) << folder;
  const absl::Status none = ReadLabelFile(folder_ + "/none.txt", Names({})).status();
  EXPECT_TRUE(absl::IsNotFound(none)) << none;
  WriteTestFile(folder_ + "/big.txt", "");
  std::filesystem::resize_file(folder_ + "/big.txt", int64_t{6} << 30);  // sparse
  const absl::Status big = ReadLabelFile(folder_ + "/big.txt", Names({})).status();
  EXPECT_TRUE(absl::IsInvalidArgument(big)) << big;
}

TEST(LabelNumberTest, OnlyDigitsAreNumbers) {
  EXPECT_EQ(LabelNumber("12"), 12);
  EXPECT_FALSE(LabelNumber("-1").has_value());
  EXPECT_FALSE(LabelNumber("3a").has_value());
  EXPECT_FALSE(LabelNumber("99999999999999999999").has_value());
}

}  // namespace
}  // namespace slimreel
