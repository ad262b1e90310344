#include "data/annotations/label_json.h"

#include <gtest/gtest.h>

#include <string>

#include "data/annotations/testing/written_lines.h"

namespace slimreel {
namespace {

Texts Json(const std::string& text) { return Written(ParseLabelJson(text, "l.json")); }

TEST(LabelJsonTest, AnObjectGivesEachNameItsLabelInTheOrderOfTheFile) {
  EXPECT_EQ(
      Json("{\"b.mp4\": {\"label\":\"FAKE\",\n \"split\":\"train\", \"of\": {\"label\": 1}},\n"
           "\"a b.mp4\": \"REAL\", \"c\\u00e9.mp4\": 3, \"d\": 4.0,\n\"e\": true, \"f\": "
           "{\"label\": false}, \"g\": null}"),
      (Texts{"2|b.mp4|FAKE", "3|a b.mp4|REAL", "3|c\xc3\xa9.mp4|3", "3|d|4", "4|e|true",
             "4|f|false", "4|g|"}));
}

TEST(LabelJsonTest, AListHasObjectsWithPathAndLabel) {
  EXPECT_EQ(Json("[{\"path\": \"a.mp4\", \"label\": \"x y\", \"boxes\": [[1, 2]]},\n"
                 " {\"label\": 2, \"filename\": \"b.mp4\"}]"),
            (Texts{"1|a.mp4|x y", "2|b.mp4|2"}));
  EXPECT_EQ(Json("[]"), Texts{});
}

TEST(LabelJsonTest, OtherFormsAreRefusedWithTheLineAndTheAllowedForms) {
  for (const char* text :
       {"3", "\"a\"", "[\"a.mp4\"]", "[[1]]", "{\"a.mp4\": [1]}", "{\"a.mp4\": {\"class\": 1}}",
        "{\"a.mp4\": {\"label\": [1]}}", "{\"a.mp4\": {\"label\": {\"x\": 1}}}", "{\"a.mp4\": 0.5}",
        "[{\"label\": 1}]", "[{\"path\": \"a\"}]", "[{\"path\": \"a\", \"file\": \"b\"}]",
        "{\"database\": {\"a\": {\"label\": 1}}}"}) {
    const Texts written = Json(text);
    ASSERT_EQ(written.size(), 1u) << text;
    EXPECT_EQ(written[0].substr(0, 10), "l.json:1: ") << text;
    EXPECT_NE(written[0].find("allowed are"), std::string::npos) << text;
  }
  // Cut JSON; JSON lines.
  for (const char* text : {"{\"a.mp4\": 1", "{\"a.mp4\": 1}\n{\"b.mp4\": 1}", ""}) {
    EXPECT_NE(Json(text)[0].find("l.json: this is no JSON: parse error at line"), std::string::npos)
        << Json(text)[0];
  }
}

TEST(LabelJsonTest, PathsWithBracketsAreNotJson) {
  EXPECT_TRUE(IsLabelJson(" {\"a.mp4\": 1"));
  EXPECT_TRUE(IsLabelJson("[\n{\"a\""));
  EXPECT_TRUE(IsLabelJson("[1, 2]"));
  EXPECT_FALSE(IsLabelJson("[1] a.mp4 3\n"));
  EXPECT_FALSE(IsLabelJson("{x}.mp4 3\n"));
  EXPECT_FALSE(IsLabelJson("a.mp4 3\n"));
}

}  // namespace
}  // namespace slimreel
