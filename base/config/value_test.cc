#include "base/config/value.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace slimreel {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

YAML::Node Yaml(const std::string& text) { return YAML::Load(text); }

std::string MessageOf(const absl::Status& status) { return std::string(status.message()); }

TEST(BoundsTest, TheTextSaysWhichNumbersAreAllowed) {
  const double infinity = std::numeric_limits<double>::infinity();
  EXPECT_EQ(AtLeast(1).ToText(), "1 or more");
  EXPECT_TRUE(AtLeast(1).Hold(1));
  EXPECT_FALSE(AtLeast(1).Hold(0.5));
  EXPECT_EQ(MoreThan(0).ToText(), "more than 0");
  EXPECT_FALSE(MoreThan(0).Hold(0));
  EXPECT_EQ(Between(0, 1).ToText(), "0 to 1");
  EXPECT_TRUE(Between(0, 1).Hold(1));
  const Bounds half_open{.low = 0, .high = 1, .high_open = true};
  EXPECT_EQ(half_open.ToText(), "0 or more and less than 1");
  EXPECT_FALSE(half_open.Hold(1));
  EXPECT_EQ((Bounds{.low = 0, .high = 1, .low_open = true}).ToText(), "more than 0 and at most 1");
  EXPECT_EQ((Bounds{.high = 9}).ToText(), "at most 9");
  EXPECT_EQ(Bounds().ToText(), "any");
  EXPECT_TRUE(Bounds().Hold(-infinity));
}

TEST(ValueTest, WholeNumbersAreReadQuotedOrNotAndNeverRounded) {
  EXPECT_EQ(*ParseInt(Yaml("8"), AtLeast(1)), 8);
  EXPECT_EQ(*ParseInt(Yaml("\"8\""), AtLeast(1)), 8);
  EXPECT_EQ(*ParseInt(Yaml("-9223372036854775808"), Bounds()), INT64_MIN);
  for (const char* text : {"1.5", "1e3", "9223372036854775808", "eight", "0x10", "[8]", "~", "0"}) {
    EXPECT_FALSE(ParseInt(Yaml(text), AtLeast(1)).ok()) << text;
  }
  EXPECT_EQ(MessageOf(ParseInt(Yaml("0"), AtLeast(1)).status()),
            "is \"0\"; allowed is a whole number, 1 or more");
}

TEST(ValueTest, NumbersAreFinite) {
  EXPECT_EQ(*ParseFloat(Yaml("1e-3"), Bounds()), 1e-3);
  EXPECT_EQ(*ParseFloat(Yaml("7"), Bounds()), 7);
  for (const char* text : {"nan", ".inf", "inf", "1e999", "1,5", "", "{a: 1}"}) {
    EXPECT_FALSE(ParseFloat(Yaml(text), Bounds()).ok()) << text;
  }
}

TEST(ValueTest, BooleansHaveThreeSpellingsAndAreNotNumbers) {
  for (const char* text : {"true", "Yes", "ON"}) EXPECT_TRUE(*ParseBool(Yaml(text))) << text;
  for (const char* text : {"False", "no", "off"}) EXPECT_FALSE(*ParseBool(Yaml(text))) << text;
  for (const char* text : {"1", "0", "y", "", "[true]"}) {
    EXPECT_FALSE(ParseBool(Yaml(text)).ok()) << text;
  }
}

TEST(ValueTest, NoneIsNullEmptyOrTheWord) {
  for (const char* text : {"", "~", "null", "none", "None", "\"\""}) {
    EXPECT_TRUE(IsNone(Yaml(text))) << text;
  }
  EXPECT_TRUE(IsNone(YAML::Node()));
  for (const char* text : {"nothing", "0", "[]", "false"}) EXPECT_FALSE(IsNone(Yaml(text))) << text;
}

TEST(ValueTest, ListsAreWrittenWithBracketsOrCommas) {
  EXPECT_THAT(*ParseTextList(Yaml("[a, \"b, c\"]")), ElementsAre("a", "b, c"));
  EXPECT_THAT(*ParseTextList(Yaml("a , b")), ElementsAre("a", "b"));
  EXPECT_THAT(*ParseTextList(Yaml("none")), IsEmpty());
  EXPECT_THAT(MessageOf(ParseTextList(Yaml("a,,b")).status()), HasSubstr("without empty items"));
  EXPECT_THAT(MessageOf(ParseTextList(Yaml("[[a]]")).status()), HasSubstr("is [a];"));
  EXPECT_THAT(MessageOf(ParseTextList(Yaml("{a: b}")).status()), HasSubstr("is a map;"));
}

TEST(ValueTest, AnErrorShowsTheValueOnOneLine) {
  EXPECT_EQ(MessageOf(NotAllowed(Yaml("~"), "x")), "is empty; allowed is x");
  EXPECT_EQ(ValueText(Yaml("[1, 2]")), "[1, 2]");
  EXPECT_EQ(ValueText(Yaml("[1, [2]]")), "a list");
  EXPECT_EQ(ValueText(Yaml("[1, 2, 3, 4, 5, 6, 7, 8, 9]")), "a list");
  EXPECT_EQ(ValueText(Yaml("a b")), "\"a b\"");
}

TEST(ValueTest, AnyPrintedTextReadsBackToTheSame) {
  for (const std::string text : {"plain",        "runs/a.b:c", "",
                                 " edge ",       "a: b",       "a:",
                                 "# no comment", "a #b",       "- item",
                                 "[x]",          "{x}",        "@home",
                                 "%x",           "'",          "\"quoted\"",
                                 "back\\slash",  "\\n",        "two\nlines",
                                 "tab\there",    "\r\n",       "\xc3\xa9t\xc3\xa9",
                                 "none?",        "*x",         "&x",
                                 "!x",           "|",          ">",
                                 "caf\xe9",      "caf\xe9: x", "#\xff\xfe",
                                 "a, b",         "null",       "\xee\xbf\xa9: x"}) {
    const YAML::Node map = Yaml("key: " + YamlText(text));
    ASSERT_TRUE(map["key"].IsScalar()) << text;
    EXPECT_EQ(map["key"].Scalar(), text);
    EXPECT_EQ(*ParseText(Yaml(YamlList({text, "b"}))[0]), text);
    EXPECT_EQ(*ParseText(Yaml(YamlMap({{"key", text}, {"other", "b"}}))["key"]), text);
  }
}

TEST(ValueTest, ListsAndMapsArePrintedOnOneLine) {
  EXPECT_EQ(YamlList({}), "[]");
  EXPECT_EQ(YamlList({"a", "b c", "0.5"}), "[a, b c, 0.5]");
  EXPECT_EQ(YamlMap({{"flip", "true"}, {"crop", "false"}}), "{flip: true, crop: false}");
  std::vector<std::string> many(100, "a long item of a list");
  EXPECT_EQ(YamlList(many).find('\n'), std::string::npos);
}

TEST(ValueTest, PrintedNumbersReadBackToTheSameBits) {
  for (const double number : {0.1, 1.0 / 3, 1e-8, 3e-4, -0.0, 123456789.125, 5e-324, 1.7e308}) {
    const double again = *ParseFloat(Yaml(YamlFloat(number)), Bounds());
    EXPECT_EQ(again, number);
    EXPECT_EQ(std::signbit(again), std::signbit(number));
  }
  EXPECT_EQ(YamlFloat(0.001), "0.001");
}

}  // namespace
}  // namespace slimreel
