#include "trainer/setup/class_lists.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace slimreel {
namespace {

TEST(ClassListsTest, NamesOnlyTheFirstClassThatDiffers) {
  std::vector<std::string> a;
  for (int label = 0; label < 700; ++label) a.push_back("class_" + std::to_string(label));
  std::vector<std::string> b = a;
  b[17] = "juggling";
  b[400] = "knitting";
  b.pop_back();
  EXPECT_EQ(DescribeClassDifference({"data.val", b}, {"data.train", a}),
            "data.val has 699 classes, data.train 700: class 17 is juggling in data.val, class_17 "
            "in data.train");
}

TEST(ClassListsTest, AListThatContinuesTheOtherDiffersAfterItsEnd) {
  const std::vector<std::string> two = {"left", "right"};
  const std::vector<std::string> three = {"left", "right", "up"};
  EXPECT_EQ(DescribeClassDifference({"here", two}, {"there", three}),
            "here has 2 classes, there 3: class 2 is nothing in here, up in there");
  EXPECT_EQ(DescribeClassDifference({"here", three}, {"there", two}),
            "here has 3 classes, there 2: class 2 is up in here, nothing in there");
}

}  // namespace
}  // namespace slimreel
