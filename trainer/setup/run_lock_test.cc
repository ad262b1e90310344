#include "trainer/setup/run_lock.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "absl/strings/str_cat.h"
#include "base/test_files.h"

namespace slimreel {
namespace {

namespace fs = std::filesystem;

TEST(RunLockTest, AFolderInUseIsRefusedWithItsHolderAndTheRemedy) {
  const std::string run = TestFolder("run");
  const auto first = RunLock::Take(run);
  ASSERT_TRUE(first.ok()) << first.status();
  const auto second = RunLock::Take(run);
  EXPECT_EQ(second.status().code(), absl::StatusCode::kFailedPrecondition);
  const std::string message(second.status().message());
  EXPECT_NE(message.find(absl::StrCat("process ", getpid())), std::string::npos) << message;
  EXPECT_NE(message.find("another --run"), std::string::npos) << message;
}

TEST(RunLockTest, AnEndedHolderLocksNothing) {
  const std::string run = TestFolder("run");
  ASSERT_TRUE(RunLock::Take(run).ok());
  EXPECT_TRUE(RunLock::Take(run).ok());
}

TEST(RunLockTest, ANewRunHasNoFolderUntilItIsMade) {
  const std::string run = TestFolder("runs") + "/new";
  auto lock = RunLock::Take(run);
  ASSERT_TRUE(lock.ok()) << lock.status();
  EXPECT_FALSE(fs::exists(run));
  ASSERT_TRUE(lock->MakeFolder().ok());
  EXPECT_FALSE(RunLock::Take(run).ok());
  EXPECT_TRUE(lock->MakeFolder().ok());  // holds it already
}

TEST(RunLockTest, TheSecondOfTwoNewRunsInOneFolderIsRefused) {
  const std::string run = TestFolder("runs") + "/new";
  auto second = RunLock::Take(run);
  ASSERT_TRUE(second.ok());
  {
    auto first = RunLock::Take(run);
    ASSERT_TRUE(first.ok() && first->MakeFolder().ok());
    EXPECT_EQ(second->MakeFolder().code(), absl::StatusCode::kFailedPrecondition);
    WriteTestFile(run + "/config.yaml", "");
  }
  // The first is over; its run stands.
  EXPECT_EQ(second->MakeFolder().code(), absl::StatusCode::kFailedPrecondition);
}

}  // namespace
}  // namespace slimreel
