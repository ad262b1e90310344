#include "base/byte_text.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <random>
#include <string>

namespace slimreel {
namespace {

TEST(ByteTextTest, ValidUtf8StaysAsItIs) {
  for (const char* text : {"", "clip.mp4", "caf\xC3\xA9", "\xE6\x98\xA0\xE7\x94\xBB",
                           "\xF0\x9F\x8E\xAC", "\xEE\xBD\xBF", "\xEF\x80\x80"}) {
    EXPECT_EQ(TextOfBytes(text), text);
    EXPECT_EQ(BytesOfText(text), text);
  }
}

TEST(ByteTextTest, OtherBytesAreKeptApart) {
  EXPECT_EQ(TextOfBytes("caf\xE9"), "caf\xEE\xBF\xA9");  // U+EFE9
  EXPECT_EQ(BytesOfText("caf\xEE\xBF\xA9"), "caf\xE9");
  EXPECT_NE(TextOfBytes("caf\xE9"), TextOfBytes("caf\xE8"));
  // A name that holds the code point of an escape is another name.
  EXPECT_NE(TextOfBytes("caf\xEE\xBF\xA9"), TextOfBytes("caf\xE9"));
  EXPECT_EQ(BytesOfText(TextOfBytes("caf\xEE\xBF\xA9")), "caf\xEE\xBF\xA9");
}

// nlohmann's decoder is the reference for valid UTF-8.
TEST(ByteTextTest, AnyBytesComeBackThroughJson) {
  std::mt19937 random(7);
  const std::string pieces[] = {"a",        "\xC3\xA9",     "\xE9",         "\xEE",
                                "\xBF",     "\xA9",         "\xED\xA0\x80", "\xF4\x90\x80\x80",
                                "\xC0\xAF", "\xEE\xBE\x80", "\xF0\x9F\x8E"};
  for (int round = 0; round < 5000; ++round) {
    std::string bytes;
    for (unsigned i = random() % 12; i > 0; --i) {
      bytes += random() % 4 == 0 ? std::string(1, static_cast<char>(random()))
                                 : pieces[random() % std::size(pieces)];
    }
    const std::string json = nlohmann::json(TextOfBytes(bytes)).dump();
    ASSERT_EQ(BytesOfText(nlohmann::json::parse(json).get<std::string>()), bytes);
  }
}

}  // namespace
}  // namespace slimreel
