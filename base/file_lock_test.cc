#include "base/file_lock.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <optional>

#include "base/exit_code.h"
#include "base/test_files.h"

namespace slimreel {
namespace {

class FileLockTest : public testing::Test {
 protected:
  void SetUp() override { path_ = TestFolder("lock") + "/.lock"; }

  // A process that holds the lock under `note` until it is killed.
  pid_t StartHolder(const std::string& note) const {
    int ready[2];
    if (pipe(ready) != 0) ADD_FAILURE() << "no pipe";
    const pid_t child = fork();
    if (child == 0) {
      close(ready[0]);
      const auto lock = FileLock::Try(path_);
      const bool held = lock.ok() && *lock != nullptr && (*lock)->WriteNote(note).ok();
      const char said = held ? 'y' : 'n';
      if (write(ready[1], &said, 1) != 1) _exit(1);
      for (;;) pause();
    }
    close(ready[1]);  // only the child has it now: if the child dies, the read below ends
    char said = 0;
    EXPECT_EQ(read(ready[0], &said, 1), 1) << "the child has died";
    EXPECT_EQ(said, 'y');
    close(ready[0]);
    return child;
  }

  static void Kill(pid_t child) {
    kill(child, SIGKILL);
    EXPECT_EQ(waitpid(child, nullptr, 0), child);
  }

  std::string path_;
};

TEST_F(FileLockTest, HasOneHolderAtATimeWithinAProcessToo) {
  auto first = FileLock::Try(path_);
  ASSERT_TRUE(first.ok()) << first.status();
  ASSERT_NE(*first, nullptr);
  EXPECT_EQ(*FileLock::Try(path_), nullptr);
  first->reset();
  EXPECT_NE(*FileLock::Try(path_), nullptr);
}

TEST_F(FileLockTest, AKilledProcessHoldsNothing) {
  const pid_t child = StartHolder("child");
  EXPECT_EQ(*FileLock::Try(path_), nullptr);
  Kill(child);
  EXPECT_NE(*FileLock::Try(path_), nullptr);
}

TEST_F(FileLockTest, OnlyALivingHolderHasANote) {
  EXPECT_EQ(*FileLock::NoteOfHolder(path_), std::nullopt);
  const pid_t child = StartHolder("a long first note");
  EXPECT_EQ(*FileLock::NoteOfHolder(path_), "a long first note");
  Kill(child);
  EXPECT_EQ(*FileLock::NoteOfHolder(path_), std::nullopt);
  const auto lock = FileLock::Try(path_);
  ASSERT_TRUE((*lock)->WriteNote("short").ok());
  EXPECT_EQ(*FileLock::NoteOfHolder(path_), "short");
  EXPECT_EQ(*FileLock::Try(path_), nullptr) << "looking has taken the lock away";
}

TEST_F(FileLockTest, ALockFileThatCannotBeReadIsAnError) {
  // A link to itself, which even root cannot read.
  std::filesystem::create_symlink(".lock", path_);
  const absl::Status status = FileLock::NoteOfHolder(path_).status();
  EXPECT_FALSE(status.ok());
  EXPECT_NE(status.message().find(path_), std::string::npos) << status;
}

TEST_F(FileLockTest, WaitingReportsOnceAndEndsWhenTheHolderIsGone) {
  const pid_t child = StartHolder("child");
  int waits = 0;
  const auto lock = FileLock::Wait(path_,
                                   [&] {
                                     ++waits;
                                     Kill(child);
                                   },
                                   /*stopped=*/{});
  ASSERT_TRUE(lock.ok()) << lock.status();
  EXPECT_EQ(waits, 1);
  EXPECT_EQ(*FileLock::Try(path_), nullptr);
}

TEST_F(FileLockTest, AStopEndsTheWaiting) {
  const auto holder = FileLock::Try(path_);
  int asked = 0;
  const absl::Status status =
      FileLock::Wait(path_, /*on_wait=*/{}, [&] { return ++asked == 3; }).status();
  EXPECT_EQ(ExitCodeOf(status), ExitCode::kStopped) << status;
  EXPECT_NE(status.message().find(path_), std::string::npos) << status;
  EXPECT_EQ(asked, 3);
}

TEST_F(FileLockTest, AFreeLockIsTakenWithoutWaiting) {
  const auto lock = FileLock::Wait(
      path_, [] { ADD_FAILURE() << "nobody holds it"; }, [] { return true; });
  ASSERT_TRUE(lock.ok()) << lock.status();
  EXPECT_NE(*lock, nullptr);
}

TEST_F(FileLockTest, AMissingFolderIsNamed) {
  const absl::Status status = FileLock::Try(path_ + "/no/such").status();
  EXPECT_FALSE(status.ok());
  EXPECT_NE(status.message().find(path_ + "/no/such"), std::string::npos) << status;
}

}  // namespace
}  // namespace slimreel
