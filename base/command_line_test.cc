#include "base/command_line.h"

#include <gflags/gflags.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <stdexcept>

DEFINE_string(test_run, "", "where the run goes");
DEFINE_int32(test_count, 3, "how many");
DEFINE_bool(test_plan_only, false, "stop after the plan");

namespace slimreel {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

Program TestProgram() {
  Program program;
  program.name = "program";
  program.synopsis = "program --test_run=DIR";
  program.flags = {"test_run", "test_count", "test_plan_only"};
  program.takes_config = true;
  program.bare_keys = {"seed", "learning_rate", "fp16"};
  program.flag_aliases = {{"work-dir", "test_run"}};
  return program;
}

class CommandLineTest : public testing::Test {
 protected:
  gflags::FlagSaver saver_;
};

TEST_F(CommandLineTest, KeysWithADotAreOverridesInEverySpelling) {
  const auto line = ParseCommandLine(
      TestProgram(), {"a.b=1", "--a.c=x=y", "--a.d", "2", "learning_rate=3", "--seed=4", "--fp16"});
  ASSERT_TRUE(line.ok()) << line.status();
  EXPECT_THAT(line->overrides,
              ElementsAre(ConfigOverride{"a.b", "1"}, ConfigOverride{"a.c", "x=y"},
                          ConfigOverride{"a.d", "2"}, ConfigOverride{"learning_rate", "3"},
                          ConfigOverride{"seed", "4"}, ConfigOverride{"fp16", "true"}));
}

TEST_F(CommandLineTest, FlagsAreSetInEverySpellingAndPathsStayPositional) {
  const auto line =
      ParseCommandLine(TestProgram(), {"list", "--work-dir=runs/a", "--test-count", "7",
                                       "--test_plan_only", "videos/a.b=c.mp4", "--", "--odd.mp4"});
  ASSERT_TRUE(line.ok()) << line.status();
  EXPECT_EQ(FLAGS_test_run, "runs/a");
  EXPECT_EQ(FLAGS_test_count, 7);
  EXPECT_TRUE(FLAGS_test_plan_only);
  EXPECT_THAT(line->positional, ElementsAre("list", "videos/a.b=c.mp4", "--odd.mp4"));
  ASSERT_TRUE(ParseCommandLine(TestProgram(), {"--notest_plan_only"}).ok());
  EXPECT_FALSE(FLAGS_test_plan_only);
}

TEST_F(CommandLineTest, EveryMistakeIsNamedWithTheNearestFlag) {
  const auto line = ParseCommandLine(
      TestProgram(), {"--test_rum=x", "--test_count=many", "--minloglevel=2", "--test_run"});
  ASSERT_FALSE(line.ok());
  const std::string message(line.status().message());
  EXPECT_THAT(message, HasSubstr("unknown flag --test_rum; did you mean --test_run?"));
  EXPECT_THAT(message, HasSubstr("--test_count is \"many\"; allowed is a value of type int32"));
  EXPECT_THAT(message, HasSubstr("unknown flag --minloglevel"));
  EXPECT_THAT(message, HasSubstr("--test_run needs a value"));
}

TEST_F(CommandLineTest, HelpShowsTheProgramsOwnFlagsAlone) {
  const std::string page = HelpPage(TestProgram());
  EXPECT_THAT(page, HasSubstr("--test_count\n      how many (default 3)"));
  EXPECT_THAT(page, HasSubstr("EXIT CODES"));
  EXPECT_THAT(page, Not(HasSubstr("minloglevel")));
}

int RunWith(std::vector<const char*> words, std::function<absl::Status(const CommandLine&)> body) {
  words.insert(words.begin(), "program");
  return RunProgram(static_cast<int>(words.size()), const_cast<char**>(words.data()), TestProgram(),
                    body);
}

TEST_F(CommandLineTest, EveryEndHasItsExitCodeAndNoExceptionEscapes) {
  const auto ok = [](const CommandLine&) { return absl::OkStatus(); };
  EXPECT_EQ(RunWith({}, ok), 0);
  EXPECT_EQ(RunWith({"--no_such_flag=1"}, ok), 2);
  const auto fail = [](const CommandLine&) { return absl::DataLossError("damaged"); };
  EXPECT_EQ(RunWith({}, fail), 3);
  EXPECT_EQ(RunWith({"--help"}, fail), 0);
  const auto thrower = [](const CommandLine&) -> absl::Status { throw std::runtime_error("x"); };
  EXPECT_EQ(RunWith({}, thrower), 1);
}

}  // namespace
}  // namespace slimreel
