#include "configs/config_markdown.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/test_files.h"
#include "configs/keys.h"
#include "configs/schema.h"

namespace slimreel {
namespace {

TEST(ConfigMarkdownTest, ThePageInDocsIsTheOneOfTheTable) {
  EXPECT_TRUE(ReadTestFile("docs/config.md") == ConfigMarkdown())
      << "docs/config.md differs from the key table; write it anew with\n"
         "  tools/bazel run //configs:config_page > docs/config.md";
}

TEST(ConfigMarkdownTest, EveryKeyAndEveryOtherNameIsOnThePage) {
  const std::string page = ConfigMarkdown();
  Config config;
  for (const ConfigKey& key : AllKeys(&config)) {
    EXPECT_THAT(page, testing::HasSubstr("\n- `" + key.name + "`, default `")) << key.name;
  }
  for (const ConfigAlias& alias : ConfigAliases()) {
    EXPECT_THAT(page, testing::HasSubstr("`" + alias.name + "`")) << alias.name;
  }
}

}  // namespace
}  // namespace slimreel
