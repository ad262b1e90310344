#include "base/command_line.h"

#include <gflags/gflags.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <iostream>
#include <stdexcept>
#include <string>
#include <vector>

#include "absl/strings/str_split.h"
#include "base/path_list.h"

DEFINE_string(test_run, "", "where the run goes");
DEFINE_int32(test_count, 3, "how many");
DEFINE_string(test_paths, "none", "several paths");
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
  Program program = TestProgram();
  program.takes_positional = true;
  const auto line =
      ParseCommandLine(program, {"list", "--work-dir=runs/a", "--test-count", "7",
                                 "--test_plan_only", "videos/a.b=c.mp4", "--", "--odd.mp4"});
  ASSERT_TRUE(line.ok()) << line.status();
  EXPECT_EQ(FLAGS_test_run, "runs/a");
  EXPECT_EQ(FLAGS_test_count, 7);
  EXPECT_TRUE(FLAGS_test_plan_only);
  EXPECT_THAT(line->positional, ElementsAre("list", "videos/a.b=c.mp4", "--odd.mp4"));
  ASSERT_TRUE(ParseCommandLine(TestProgram(), {"--notest_plan_only"}).ok());
  EXPECT_FALSE(FLAGS_test_plan_only);
}

TEST_F(CommandLineTest, ListFlagsGivenAgainAddUpAndOtherFlagsTakeTheLastValue) {
  Program program = TestProgram();
  program.flags.push_back("test_paths");
  program.list_flags = {"test_paths"};
  ASSERT_TRUE(ParseCommandLine(program, {"--test_paths=a,b", "--test_run=x", "--test-paths", "c",
                                         "test_paths=d", "--test_run=y"})
                  .ok());
  EXPECT_THAT(PathList(FLAGS_test_paths), ElementsAre("a", "b", "c", "d"));
  EXPECT_EQ(FLAGS_test_run, "y");
  EXPECT_THAT(HelpPage(program),
              HasSubstr("several paths (default none); may be given several times"));
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

TEST_F(CommandLineTest, UnexpectedWordsAreRefusedAllAtOnce) {
  const auto line =
      ParseCommandLine(TestProgram(), {"a.b=1", "memory_budget=1MiB", "learning_rat=3", "stray",
                                       "tset_run=x", "clips/a=b.mp4", "help", "--", "--odd"});
  ASSERT_TRUE(absl::IsInvalidArgument(line.status()));
  const std::vector<std::string> mistakes =
      absl::StrSplit(line.status().message(), '\n', absl::SkipEmpty());
  const std::string usage = " (give values as --NAME=VALUE: program --test_run=DIR)";
  const std::string no_key = " is not a flag or a key of the configuration (section.name=value)";
  EXPECT_THAT(mistakes, ElementsAre("unexpected argument 'memory_budget=1MiB': memory_budget" +
                                        no_key + " (--help lists all flags)",
                                    "unexpected argument 'learning_rat=3': learning_rat" + no_key +
                                        "; did you mean --learning_rate? (--help lists all flags)",
                                    "unexpected argument 'stray'" + usage,
                                    "unexpected argument 'tset_run=x': tset_run" + no_key +
                                        "; did you mean --test_run? (--help lists all flags)",
                                    "unexpected argument 'clips/a=b.mp4'" + usage,
                                    "unexpected argument 'help'; did you mean --help?" + usage,
                                    "unexpected argument '--odd'" + usage));
}

TEST_F(CommandLineTest, AProgramWithoutAConfigurationMentionsOnlyFlags) {
  Program program = TestProgram();
  program.takes_config = false;
  const auto line = ParseCommandLine(program, {"data.batch_size=1"});
  EXPECT_EQ(std::string(line.status().message()),
            "unexpected argument 'data.batch_size=1': data.batch_size is not a flag "
            "(--help lists all flags)");
}

TEST_F(CommandLineTest, HelpShowsOnlyTheProgramsOwnFlags) {
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

TEST_F(CommandLineTest, AFailedWriteToStandardOutputIsAnError) {
  const auto full = [](const CommandLine&) {
    std::cout.setstate(std::ios::badbit);
    return absl::OkStatus();
  };
  EXPECT_EQ(RunWith({}, full), 1);
  std::cout.clear();
}

TEST_F(CommandLineTest, AnExceptionIsReportedWithoutItsStackFrames) {
  const auto thrower = [](const CommandLine&) -> absl::Status {
    throw std::runtime_error(
        "asked for 9 bytes\nof 8\nException raised from Allocate at a.cc:1 (most recent call "
        "first):\nframe #0: c10::Error + 0x80 (0x7f in libc10.so)\n");
  };
  testing::internal::CaptureStderr();
  EXPECT_EQ(RunWith({}, thrower), 1);
  EXPECT_EQ(testing::internal::GetCapturedStderr(),
            "program: internal error: asked for 9 bytes\nof 8\n");
}

}  // namespace
}  // namespace slimreel
