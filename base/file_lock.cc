#include "base/file_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/atomic_file.h"
#include "base/exit_code.h"
#include "base/status_macros.h"

namespace slimreel {
namespace {

absl::StatusOr<int> OpenLockFile(const std::string& path) {
  const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (fd < 0) return SystemError(errno, "write", path);
  return fd;
}

// Returns 0 or errno.
int Flock(int fd, int operation) {
  while (flock(fd, operation) != 0) {
    if (errno != EINTR) return errno;
  }
  return 0;
}

}  // namespace

FileLock::FileLock(std::string path, int fd) : path_(std::move(path)), fd_(fd) {}

FileLock::~FileLock() { close(fd_); }

absl::StatusOr<std::unique_ptr<FileLock>> FileLock::Try(const std::string& path) {
  SLIMREEL_ASSIGN_OR_RETURN(const int fd, OpenLockFile(path));
  auto lock = std::unique_ptr<FileLock>(new FileLock(path, fd));
  const int error = Flock(fd, LOCK_EX | LOCK_NB);
  if (error == EWOULDBLOCK) return nullptr;
  if (error != 0) return SystemError(error, "lock", path);
  return lock;
}

// Polls, because a blocking flock would not see `stopped`.
absl::StatusOr<std::unique_ptr<FileLock>> FileLock::Wait(const std::string& path,
                                                         const std::function<void()>& on_wait,
                                                         const std::function<bool()>& stopped) {
  for (bool waited = false;; waited = true) {
    SLIMREEL_ASSIGN_OR_RETURN(std::unique_ptr<FileLock> lock, Try(path));
    if (lock != nullptr) return lock;
    if (!waited && on_wait) on_wait();
    if (stopped && stopped()) {
      return StoppedError(
          absl::StrCat("stopped while another process held ", path, "; run again to continue"));
    }
    absl::SleepFor(absl::Milliseconds(50));
  }
}

absl::Status FileLock::WriteNote(absl::string_view note) {
  if (ftruncate(fd_, 0) != 0) return SystemError(errno, "write", path_);
  for (size_t done = 0; done < note.size();) {
    const ssize_t count = pwrite(fd_, note.data() + done, note.size() - done, done);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return SystemError(errno, "write", path_);
    done += static_cast<size_t>(count);
  }
  return absl::OkStatus();
}

absl::StatusOr<std::optional<std::string>> FileLock::NoteOfHolder(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0 && errno == ENOENT) return std::nullopt;
  if (fd < 0) return SystemError(errno, "open", path);
  const int error = Flock(fd, LOCK_SH | LOCK_NB);
  close(fd);
  if (error == 0) return std::nullopt;
  if (error != EWOULDBLOCK) return SystemError(error, "lock", path);
  SLIMREEL_ASSIGN_OR_RETURN(std::string note, ReadFile(path));
  return note;
}

}  // namespace slimreel
