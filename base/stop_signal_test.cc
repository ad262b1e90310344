#include "base/stop_signal.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

namespace slimreel {
namespace {

// Each in a process of its own: the flag never goes back.
TEST(StopSignalDeathTest, TheFirstSignalAsksAndTheSecondEnds) {
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

}  // namespace
}  // namespace slimreel
