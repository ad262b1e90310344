#include "base/mistakes.h"

#include <gtest/gtest.h>

namespace slimreel {
namespace {

TEST(MistakesTest, AllOfThemAreInOneMessageALineEach) {
  Mistakes inner;
  inner.Add("a is 1");
  inner.Add("b is 2");
  Mistakes all;
  all.Add(absl::OkStatus(), "file: ");
  all.Add(inner.ToStatus(), "file: ");
  all.Add(absl::NotFoundError("c is missing"));
  EXPECT_EQ(all.ToStatus(), absl::InvalidArgumentError("file: a is 1\nfile: b is 2\nc is missing"));
}

TEST(MistakesTest, NoneIsOk) { EXPECT_TRUE(Mistakes().ToStatus().ok()); }

}  // namespace
}  // namespace slimreel
