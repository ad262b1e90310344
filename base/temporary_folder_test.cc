#include "base/temporary_folder.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>

#include "base/test_files.h"

namespace slimreel {
namespace {

TEST(TemporaryFolderTest, IsMadeInTmpdirAndRemovedWithItsContents) {
  const std::string parent = TestFolder("tmp");
  ASSERT_EQ(setenv("TMPDIR", parent.c_str(), 1), 0);
  {
    const auto one = TemporaryFolder::Create("bench"), two = TemporaryFolder::Create("bench");
    ASSERT_TRUE(one.ok()) << one.status();
    EXPECT_EQ(std::filesystem::path((*one)->path()).parent_path(), parent);
    EXPECT_NE((*one)->path(), (*two)->path());
    WriteTestFile((*one)->path() + "/below/file", "x");
  }
  EXPECT_TRUE(std::filesystem::is_empty(parent));
  ASSERT_EQ(setenv("TMPDIR", "/no/such/folder", 1), 0);
  EXPECT_FALSE(TemporaryFolder::Create("bench").ok());
  unsetenv("TMPDIR");
}

}  // namespace
}  // namespace slimreel
