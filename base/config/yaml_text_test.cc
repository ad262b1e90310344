#include "base/config/yaml_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace slimreel {
namespace {

TEST(YamlTextTest, MapsAndTextsAreNodes) {
  EXPECT_EQ((*ParseYaml("a: {b: 3}", "c.yaml"))["a"]["b"].Scalar(), "3");
  EXPECT_TRUE(ParseYaml("", "c.yaml")->IsNull());
}

TEST(YamlTextTest, AMistakeIsAStatusWithOriginAndLine) {
  for (const char* text : {"a: 1\nb: [x", "a: 1\nb: \"x", "a: 1\n@home", "a: 1\nb: *nobody"}) {
    const absl::Status status = ParseYaml(text, "c.yaml").status();
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << text;
    EXPECT_THAT(std::string(status.message()), testing::StartsWith("c.yaml:")) << text;
  }
  EXPECT_THAT(std::string(ParseYaml("a: 1\n@home", "c.yaml").status().message()),
              testing::StartsWith("c.yaml:2: "));
}

}  // namespace
}  // namespace slimreel
