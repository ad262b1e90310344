#include "base/config/yaml_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace slimreel {
namespace {

TEST(YamlTextTest, TextIsParsedToNodes) {
  EXPECT_EQ((*ParseYaml("a: {b: 3}", "c.yaml"))["a"]["b"].Scalar(), "3");
  EXPECT_TRUE(ParseYaml("", "c.yaml")->IsNull());
}

TEST(YamlTextTest, AnErrorHasOriginAndLine) {
  for (const char* text : {"a: 1\nb: [x", "a: 1\nb: \"x", "a: 1\n@home", "a: 1\nb: *nobody"}) {
    const absl::Status status = ParseYaml(text, "c.yaml").status();
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << text;
    EXPECT_THAT(std::string(status.message()), testing::StartsWith("c.yaml:")) << text;
  }
  EXPECT_THAT(std::string(ParseYaml("a: 1\n@home", "c.yaml").status().message()),
              testing::StartsWith("c.yaml:2: "));
}

TEST(YamlTextTest, ASecondDocumentIsRefusedWithItsLine) {
  for (const char* text : {"a: 1\n---\nb: 2\n", "a: 1\n...\n---\n", "---\n---\na: 1\n"}) {
    const absl::Status status = ParseYaml(text, "c.yaml").status();
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << text;
    EXPECT_THAT(std::string(status.message()), testing::HasSubstr("second YAML document")) << text;
  }
  EXPECT_THAT(std::string(ParseYaml("a: 1\n---\n\nb: 2\n", "c.yaml").status().message()),
              testing::StartsWith("c.yaml:4: "));
  for (const char* text : {"---\na: 1\n", "# c\n---\na: 1\n...\n"}) {
    EXPECT_EQ((*ParseYaml(text, "c.yaml"))["a"].Scalar(), "1") << text;
  }
}

}  // namespace
}  // namespace slimreel
