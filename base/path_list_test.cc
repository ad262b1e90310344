#include "base/path_list.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/test_files.h"

namespace slimreel {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(PathListTest, SplitsAtCommasUnlessAFileHasTheWholeName) {
  const std::string root = TestFolder("paths");
  WriteTestFile(root + "/a,b.mp4", "");
  WriteTestFile(root + "/c\nd.mp4", "");
  EXPECT_THAT(PathList(""), IsEmpty());
  EXPECT_THAT(PathList("x,y"), ElementsAre("x", "y"));
  EXPECT_THAT(PathList("x,y\nz"), ElementsAre("x", "y", "z"));
  EXPECT_THAT(PathList(root + "/a,b.mp4"), ElementsAre(root + "/a,b.mp4"));
  EXPECT_THAT(PathList("x\n" + root + "/a,b.mp4"), ElementsAre("x", root + "/a,b.mp4"));
  EXPECT_THAT(PathList(root + "/c\nd.mp4"), ElementsAre(root + "/c\nd.mp4"));
}

}  // namespace
}  // namespace slimreel
