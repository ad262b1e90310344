#include "base/config/key.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace slimreel {
namespace {

using ::testing::HasSubstr;

absl::Status Set(const ConfigKey& key, const std::string& yaml) {
  return key.set(YAML::Load(yaml));
}

TEST(ConfigKeyTest, TheDefaultIsWhatTheFieldHoldsWhenTheRowIsMade) {
  int64_t batch = 8;
  const ConfigKey key = IntKey("data.batch_size", &batch, AtLeast(1), "samples");
  batch = 4;
  EXPECT_EQ(key.default_text, "8");
  EXPECT_EQ(key.get(), "4");
  EXPECT_EQ(key.allowed, "a whole number, 1 or more");
  EXPECT_TRUE(key.changes_result);
}

TEST(ConfigKeyTest, ARefusedValueLeavesTheFieldAsItWas) {
  int64_t number = 8;
  double real = 0.5;
  bool truth = true;
  ByteSpec bytes{.bytes = 7};
  std::vector<std::string> list = {"a"};
  std::string text = "old";
  std::optional<int64_t> maybe = 3;
  EXPECT_FALSE(Set(IntKey("k", &number, AtLeast(1), ""), "0").ok());
  EXPECT_FALSE(Set(FloatKey("k", &real, Between(0, 1), ""), "2").ok());
  EXPECT_FALSE(Set(BoolKey("k", &truth, ""), "maybe").ok());
  EXPECT_FALSE(Set(BytesKey("k", &bytes, ""), "120%").ok());
  EXPECT_FALSE(Set(TextListKey("k", &list, ""), "a,,b").ok());
  EXPECT_FALSE(Set(TextKey("k", &text, "none", ""), "[a, b]").ok());
  EXPECT_FALSE(Set(IntKey("k", &maybe, AtLeast(1), "auto", ""), "0").ok());
  EXPECT_EQ(number, 8);
  EXPECT_EQ(real, 0.5);
  EXPECT_TRUE(truth);
  EXPECT_EQ(bytes.bytes, 7);
  EXPECT_EQ(list, std::vector<std::string>{"a"});
  EXPECT_EQ(text, "old");
  EXPECT_EQ(maybe, 3);
}

TEST(ConfigKeyTest, AnUnsetOptionalHasItsWordAndReadsNoneToo) {
  std::optional<int64_t> workers = 2;
  const ConfigKey key = IntKey("k", &workers, AtLeast(0), "auto", "");
  for (const char* unset : {"auto", "Auto", "none", "~"}) {
    ASSERT_TRUE(Set(key, "5").ok());
    EXPECT_EQ(key.get(), "5");
    ASSERT_TRUE(Set(key, unset).ok()) << unset;
    EXPECT_FALSE(workers.has_value()) << unset;
    EXPECT_EQ(key.get(), "auto");
  }
  EXPECT_THAT(std::string(Set(key, "-1").message()),
              HasSubstr("allowed is a whole number, 0 or more, or auto"));
}

TEST(ConfigKeyTest, EveryKindPrintsWhatItReads) {
  std::optional<double> norm;
  std::optional<bool> pin;
  std::optional<ByteSpec> budget;
  ByteSpec cache{.percent = 10};
  std::vector<std::string> classes;
  std::string run;
  const std::vector<std::pair<ConfigKey, std::string>> rows = {
      {FloatKey("k", &norm, MoreThan(0), "none", ""), "0.1"},
      {BoolKey("k", &pin, "auto", ""), "false"},
      {BytesKey("k", &budget, ""), "4GiB"},
      {BytesKey("k", &cache, ""), "25%"},
      {TextListKey("k", &classes, ""), "[left, a b, \"c: d\"]"},
      {TextKey("k", &run, "none", ""), "runs/a"}};
  for (const auto& [key, text] : rows) {
    EXPECT_NE(key.default_text, text);
    ASSERT_TRUE(Set(key, text).ok()) << text;
    EXPECT_EQ(key.get(), text);
    ASSERT_TRUE(Set(key, key.default_text).ok()) << key.default_text;
    EXPECT_EQ(key.get(), key.default_text);
  }
}

TEST(ConfigKeyTest, ErrorsNameEveryAllowedFormAndTheNearestWord) {
  int64_t side = 0;
  const ConfigKey key = CustomKey(
      "k", "a whole number, 8 or more, or native, or [height, width]", "",
      [&side](const YAML::Node& value) -> absl::Status {
        const auto parsed = ParseInt(value, AtLeast(8));
        if (parsed.ok()) side = *parsed;
        return parsed.status();
      },
      [&side] { return std::to_string(side); }, {"native"});
  const std::string allowed = "; allowed is " + key.allowed;
  EXPECT_EQ(std::string(Set(key, "natve").message()),
            "is \"natve\"" + allowed + "; did you mean native?");
  EXPECT_EQ(std::string(Set(key, "[8, 7]").message()), "is [8, 7]" + allowed);
  EXPECT_EQ(std::string(Set(key, "[8, nativ]").message()),
            "is [8, nativ]" + allowed + "; did you mean native?");
}

TEST(ConfigKeyTest, OtherErrorsKeepTheirMessage) {
  const ConfigKey key = CustomKey(
      "k", "a word", "",
      [](const YAML::Node&) { return absl::UnimplementedError("is not yet available"); },
      [] { return std::string("x"); });
  EXPECT_EQ(std::string(Set(key, "y").message()), "is not yet available");
}

enum class Precision { k32, k16, kBf16 };

TEST(ConfigKeyTest, WordsAreReadInAnyCaseAndOtherSpellingsAreNotPrinted) {
  Precision precision = Precision::k32;
  const ConfigKey key =
      EnumKey("trainer.precision", &precision, {"32", "16", "bf16"}, "", {{"16-mixed", "16"}});
  EXPECT_EQ(key.allowed, "32 | 16 | bf16");
  ASSERT_TRUE(Set(key, "BF16").ok());
  EXPECT_EQ(precision, Precision::kBf16);
  ASSERT_TRUE(Set(key, "16-mixed").ok());
  EXPECT_EQ(precision, Precision::k16);
  EXPECT_EQ(key.get(), "16");
  EXPECT_EQ(std::string(Set(key, "8").message()), "is \"8\"; allowed is 32 | 16 | bf16");
  EXPECT_EQ(precision, Precision::k16);
}

}  // namespace
}  // namespace slimreel
