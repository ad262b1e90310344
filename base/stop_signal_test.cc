#include "base/stop_signal.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

namespace slimreel {
namespace {

// Each runs in its own process, because the flag is never cleared.
TEST(StopSignalDeathTest, TheFirstSignalSetsTheFlagAndTheSecondEndsTheProcess) {
  EXPECT_EXIT(
      {
        InstallStopSignal();
        if (StopRequested()) _exit(1);
        raise(SIGTERM);
        _exit(StopRequested() ? 75 : 2);
      },
      testing::ExitedWithCode(75), "");
  EXPECT_EXIT(
      {
        InstallStopSignal();
        raise(SIGTERM);
        raise(SIGINT);
        _exit(3);
      },
      testing::ExitedWithCode(128 + SIGINT), "");
}

TEST(StopSignalDeathTest, WithNothingToSaveTheFirstSignalExitsWith75AndSaysSo) {
  EXPECT_EXIT(
      {
        InstallStopExit();
        raise(SIGTERM);
        _exit(3);
      },
      testing::ExitedWithCode(75), "stopped by a signal; there was nothing to save");
  EXPECT_EXIT(
      {
        InstallStopExit();
        InstallStopSignal();
        raise(SIGINT);
        _exit(StopRequested() ? 4 : 5);
      },
      testing::ExitedWithCode(4), "");
}

}  // namespace
}  // namespace slimreel
