#include "base/init_logging.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "base/logging.h"

namespace slimreel {
namespace {

// Each runs in its own process, because glog can start only once.
TEST(InitLoggingDeathTest, LinesGoToStandardError) {
  EXPECT_EXIT(
      {
        InitLogging("program");
        LOG(INFO) << "for all to see";
        _exit(0);
      },
      testing::ExitedWithCode(0), "init_logging_test.cc:[0-9]+\\] for all to see");
}

TEST(InitLoggingDeathTest, QuietHidesInfoAndKeepsWarnings) {
  EXPECT_EXIT(
      {
        InitLogging("program", /*quiet=*/true);
        LOG(INFO) << "chatter";
        LOG(WARNING) << "beware";
        _exit(0);
      },
      testing::ExitedWithCode(0), "^W[^\n]*beware\n$");
}

TEST(InitLoggingDeathTest, TheFirstCallCounts) {
  EXPECT_EXIT(
      {
        InitLogging("program", /*quiet=*/true);
        InitLogging("other", /*quiet=*/false);
        LOG(INFO) << "chatter";
        LOG(WARNING) << "beware";
        _exit(0);
      },
      testing::ExitedWithCode(0), "^W[^\n]*beware\n$");
}

}  // namespace
}  // namespace slimreel
