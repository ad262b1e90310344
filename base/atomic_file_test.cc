#include "base/atomic_file.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

#include "base/exit_code.h"
#include "base/test_files.h"

namespace slimreel {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class AtomicFileTest : public testing::Test {
 protected:
  void SetUp() override { folder_ = TestFolder("files"); }
  int NumEntries() const {
    return static_cast<int>(std::distance(fs::directory_iterator(folder_), {}));
  }
  std::string folder_;
};

TEST_F(AtomicFileTest, AFileAppearsOnlyWhenCommitted) {
  const std::string path = folder_ + "/a";
  auto file = AtomicFile::Create(path);
  ASSERT_TRUE(file.ok()) << file.status();
  ASSERT_TRUE((*file)->Write("one").ok());
  EXPECT_FALSE(fs::exists(path));
  ASSERT_TRUE((*file)->Write(" two").ok());
  ASSERT_TRUE((*file)->Commit().ok());
  EXPECT_EQ(*ReadFile(path), "one two");
  ASSERT_TRUE(WriteFileAtomically(path, "three").ok());
  EXPECT_EQ(*ReadFile(path), "three");
  EXPECT_EQ(NumEntries(), 1);
}

TEST_F(AtomicFileTest, NothingIsLeftWithoutCommit) {
  { ASSERT_TRUE((*AtomicFile::Create(folder_ + "/a"))->Write("x").ok()); }
  { ASSERT_TRUE(AtomicFolder::Create(folder_ + "/b").ok()); }
  EXPECT_EQ(NumEntries(), 0);
}

TEST_F(AtomicFileTest, ACommittedFolderReplacesTheOldOne) {
  for (const char* text : {"old", "new"}) {
    auto folder = AtomicFolder::Create(folder_ + "/step/");
    ASSERT_TRUE(folder.ok()) << folder.status();
    ASSERT_TRUE(MakeFolders((*folder)->aside() + "/sub").ok());
    std::ofstream((*folder)->aside() + "/sub/" + text) << text;
    ASSERT_TRUE((*folder)->Commit().ok());
  }
  EXPECT_EQ(*ReadFile(folder_ + "/step/sub/new"), "new");
  EXPECT_FALSE(fs::exists(folder_ + "/step/sub/old"));
  EXPECT_EQ(NumEntries(), 1);
}

TEST_F(AtomicFileTest, OnlyLeftoversOfDeadProcessesAreRemoved) {
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {  // ends without destructors, like after kill -9
    auto file = AtomicFile::Create(folder_ + "/dead");
    auto dead_folder = AtomicFolder::Create(folder_ + "/dead_folder");
    std::ofstream((*dead_folder)->aside() + "/x") << "x";
    _exit(file.ok() ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_EQ(status, 0);
  auto living = AtomicFile::Create(folder_ + "/living");
  ASSERT_TRUE(living.ok());
  EXPECT_EQ(NumEntries(), 3);
  ASSERT_TRUE(RemoveLeftovers(folder_).ok());
  EXPECT_EQ(NumEntries(), 1);
  EXPECT_TRUE((*living)->Commit().ok());
}

// Every writer first removes leftovers in its folder. That may happen after another writer has
// made its temporary file and before it has locked it.
TEST_F(AtomicFileTest, NoWriterLosesItsFileToRemoveLeftovers) {
  std::atomic<bool> done{false};
  std::thread starter([&] {
    while (!done) EXPECT_TRUE(RemoveLeftovers(folder_).ok());
  });
  for (int i = 0; i < 2000 && !HasFailure(); ++i) {
    const auto file = AtomicFile::Create(folder_ + "/file");
    EXPECT_TRUE(file.ok()) << file.status();
    EXPECT_GE(NumEntries(), 1) << "the file is gone in round " << i;
    const auto folder = AtomicFolder::Create(folder_ + "/folder");
    EXPECT_TRUE(folder.ok()) << folder.status();
    EXPECT_TRUE(folder.ok() && fs::exists((*folder)->aside())) << "the folder, in round " << i;
  }
  done = true;
  starter.join();
  EXPECT_TRUE(RemoveLeftovers(folder_).ok());
  EXPECT_EQ(NumEntries(), 0);
}

// A process with the same id may have died here before, or may run in another container.
TEST_F(AtomicFileTest, ATemporaryFileOfAnotherProcessWithThisIdIsNotTouched) {
  std::string aside;
  {
    const auto folder = AtomicFolder::Create(folder_ + "/a");
    ASSERT_TRUE(folder.ok()) << folder.status();
    aside = (*folder)->aside();  // .writing-ID-N-a, with N counting up
  }
  const size_t end = aside.rfind('-');
  const size_t begin = aside.rfind('-', end - 1) + 1;
  const int number = std::stoi(aside.substr(begin, end - begin));
  const std::string next = aside.substr(0, begin) + std::to_string(number + 1) + "-a";
  WriteTestFile(next, "another's");
  ASSERT_TRUE(WriteFileAtomically(folder_ + "/a", "mine").ok());
  EXPECT_EQ(*ReadFile(next), "another's");
  EXPECT_EQ(*ReadFile(folder_ + "/a"), "mine");
}

TEST_F(AtomicFileTest, AFullDiskKeepsTheOldContentsAndLeavesNothingElse) {
  const auto disk = SmallDisk::Mount(folder_, 64 << 10);
  if (disk == nullptr) GTEST_SKIP() << "a small tmpfs cannot be mounted here";
  const std::string path = folder_ + "/a";
  ASSERT_TRUE(WriteFileAtomically(path, "old").ok());
  const absl::Status full = WriteFileAtomically(path, std::string(128 << 10, 'x'));
  EXPECT_EQ(full.code(), absl::StatusCode::kResourceExhausted) << full;
  EXPECT_THAT(std::string(full.message()), HasSubstr(path + ": No space left on device"));
  EXPECT_EQ(*ReadFile(path), "old");
  EXPECT_EQ(NumEntries(), 1);
}

TEST_F(AtomicFileTest, ErrorsNameThePathAndAFullDiskIsTold) {
  const absl::Status missing = WriteFileAtomically(folder_ + "/no/such", "x");
  EXPECT_EQ(missing.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(missing.message()), HasSubstr(folder_ + "/no/such: No such file"));
  const absl::Status full = SystemError(ENOSPC, "write", "runs/a");
  EXPECT_EQ(full.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(full.message()), HasSubstr("runs/a: No space left on device"));
  EXPECT_EQ(ExitCodeOf(full), ExitCode::kInternal);
  EXPECT_EQ(SystemError(EROFS, "write", "a").code(), absl::StatusCode::kPermissionDenied);
  // Errors of the machine may pass, unlike a damaged file, so they have other codes.
  for (const int error : {EMFILE, ENFILE, ENOMEM}) {
    EXPECT_EQ(SystemError(error, "open", "a").code(), absl::StatusCode::kResourceExhausted);
    EXPECT_EQ(ExitCodeOf(SystemError(error, "open", "a")), ExitCode::kInternal);
  }
  EXPECT_EQ(SystemError(EIO, "read", "a").code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(ExitCodeOf(SystemError(EIO, "read", "a")), ExitCode::kInternal);
  const absl::Status folder = ReadFile(folder_).status();
  EXPECT_EQ(ExitCodeOf(folder), ExitCode::kUsage) << folder;
}

TEST_F(AtomicFileTest, ErrorsSayWhatToDo) {
  const std::pair<int, const char*> remedies[] = {{ENOSPC, "free some space"},
                                                  {EACCES, "give this user access to it"},
                                                  {ENOENT, "check the path"},
                                                  {ENOTDIR, "check the path"},
                                                  {ENOLCK, "has no locks; use a local disk"},
                                                  {EOPNOTSUPP, "use a local disk"},
                                                  {EMFILE, "raise `ulimit -n`"},
                                                  {ENOMEM, "`ulimit -v`"},
                                                  {EISDIR, "name a file"},
                                                  {EIO, "check the disk"}};
  for (const auto& [error, remedy] : remedies) {
    EXPECT_THAT(std::string(SystemError(error, "open", "a").message()), HasSubstr(remedy));
  }
}

// The system reports these files as empty, so only reading shows what is in them.
TEST_F(AtomicFileTest, AFileIsReadToItsEndForAnyReportedSize) {
  ASSERT_EQ(fs::file_size("/proc/self/status"), 0u);
  EXPECT_THAT(*ReadFile("/proc/self/status"), HasSubstr("VmRSS:"));
  const std::string large(3 * 65536 + 17, 'x');  // more than one read returns
  WriteTestFile(folder_ + "/large", large);
  EXPECT_TRUE(*ReadFile(folder_ + "/large") == large);
  EXPECT_THAT(std::string(ReadFile(folder_ + "/no").status().message()),
              HasSubstr("cannot open " + folder_ + "/no: No such file"));
  EXPECT_EQ(ReadFile(folder_).status().code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace slimreel
