#include "data/make_demo_flags.h"

#include <gflags/gflags.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace slimreel {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class MakeDemoFlagsTest : public testing::Test {
 protected:
  gflags::FlagSaver saver_;
};

TEST_F(MakeDemoFlagsTest, FlagsBecomeOptions) {
  ASSERT_TRUE(ParseCommandLine(MakeDemoProgram(),
                               {"--output=out", "--clips-per-class", "7", "--seed=3", "--pose"})
                  .ok());
  const auto options = DemoSetOptionsFromFlags();
  ASSERT_TRUE(options.ok()) << options.status();
  EXPECT_EQ(options->output, "out");
  EXPECT_EQ(options->clips_per_class, 7);
  EXPECT_EQ(options->seed, 3u);
  EXPECT_TRUE(options->pose);
  EXPECT_GE(options->num_threads, 1);
}

TEST_F(MakeDemoFlagsTest, MistakesAreUsageWithTheNearestFlag) {
  const auto line = ParseCommandLine(MakeDemoProgram(), {"--otput=x", "--clips_per_class=many"});
  EXPECT_EQ(line.status().code(), absl::StatusCode::kInvalidArgument);
  const std::string message(line.status().message());
  EXPECT_THAT(message, HasSubstr("--otput; did you mean --output?"));
  EXPECT_THAT(message, HasSubstr("--clips_per_class is \"many\""));
  EXPECT_EQ(DemoSetOptionsFromFlags().status().code(), absl::StatusCode::kInvalidArgument);
  ASSERT_TRUE(ParseCommandLine(MakeDemoProgram(), {"--output=x", "--speech"}).ok());
  EXPECT_EQ(DemoSetOptionsFromFlags().status().code(), absl::StatusCode::kUnimplemented);
}

TEST_F(MakeDemoFlagsTest, HelpShowsOnlyItsOwnFlags) {
  const std::string page = HelpPage(MakeDemoProgram());
  EXPECT_THAT(page, HasSubstr("--clips_per_class\n"));
  EXPECT_THAT(page, Not(HasSubstr("minloglevel")));
  EXPECT_THAT(page, Not(HasSubstr("fromenv")));
}

}  // namespace
}  // namespace slimreel
