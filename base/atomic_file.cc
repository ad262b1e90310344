#include "base/atomic_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <system_error>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/exit_code.h"
#include "base/status_macros.h"

namespace slimreel {
namespace {

namespace fs = std::filesystem;

constexpr absl::string_view kAsidePrefix = ".writing-";

std::string ParentOf(const std::string& path) {
  const fs::path parent = fs::path(path).parent_path();
  return parent.empty() ? "." : parent.string();
}

// With a trailing slash, filename() would be empty.
std::string WithoutTrailingSlash(std::string path) {
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  return path;
}

// A process never makes the same name twice. Another process may have made it already (in another
// container, on another machine, or with the same id earlier); the caller then tries the next name.
std::string AsideName(const std::string& path) {
  static std::atomic<int> counter{0};
  return absl::StrCat(ParentOf(path), "/", std::string(kAsidePrefix), getpid(), "-", counter++, "-",
                      fs::path(path).filename().string());
}

// Opens, syncs and closes.
absl::Status SyncPath(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return SystemError(errno, "open", path);
  const int result = fsync(fd);
  const int error_number = errno;
  close(fd);
  // Some file systems cannot sync a folder and say EINVAL.
  if (result != 0 && error_number != EINVAL) return SystemError(error_number, "sync", path);
  return absl::OkStatus();
}

absl::Status SyncTree(const std::string& folder) {
  std::error_code error;
  std::vector<std::string> paths{folder};
  for (fs::recursive_directory_iterator it(folder, error), end; !error && it != end;
       it.increment(error)) {
    if (it->is_regular_file() || it->is_directory()) paths.push_back(it->path().string());
  }
  if (error) return SystemError(error.value(), "list", folder);
  for (const std::string& path : paths) SLIMREEL_RETURN_IF_ERROR(SyncPath(path));
  return absl::OkStatus();
}

// Locks a temporary file or folder that was just made. Returns false if RemoveLeftovers of another
// process saw it before it was locked and has locked or unlinked it. On a file system without
// locks RemoveLeftovers gets no lock either, and removes nothing.
bool LockAside(int fd) {
  if (flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) return false;
  struct stat status;
  return fstat(fd, &status) != 0 || status.st_nlink > 0;
}

// The remedy for errors that do not suggest one themselves.
absl::string_view RemedyFor(int error_number) {
  switch (error_number) {
    case ENOLCK:
      return "this file system has no locks; use a local disk";
    case ENOSYS:
    case EOPNOTSUPP:
    case ENODEV:
      return "this file system cannot do that (it may lack locks or maps); use a local disk";
    default:
      return "check the disk (`dmesg` may say more), or use another one";
  }
}

}  // namespace

absl::Status SystemError(int error_number, absl::string_view action, absl::string_view path) {
  const std::string message =
      absl::StrCat("cannot ", action, " ", path, ": ",
                   std::error_code(error_number, std::generic_category()).message());
  switch (error_number) {
    case ENOSPC:
    case EDQUOT:
      return absl::ResourceExhaustedError(absl::StrCat(message, "; free some space and run again"));
    case EACCES:
    case EPERM:
    case EROFS:
      return absl::PermissionDeniedError(
          absl::StrCat(message, "; give this user access to it, or choose another place"));
    case EMFILE:
    case ENFILE:
      return absl::ResourceExhaustedError(absl::StrCat(message, "; raise `ulimit -n`"));
    case ENOMEM:
      return absl::ResourceExhaustedError(absl::StrCat(
          message, "; free some memory, or raise the limit of address space (`ulimit -v`)"));
    case EIO:
      return absl::UnavailableError(absl::StrCat(message, "; ", RemedyFor(error_number)));
    case EISDIR:
      return absl::InvalidArgumentError(absl::StrCat(message, "; name a file"));
    case ENOENT:
    case ENOTDIR:
      return absl::NotFoundError(absl::StrCat(message, "; check the path"));
    default:
      return absl::InternalError(absl::StrCat(message, "; ", RemedyFor(error_number)));
  }
}

absl::Status MakeFolders(const std::string& path) {
  std::error_code error;
  fs::create_directories(path, error);
  // NotFound is not a usage error here: the system refuses to make a folder there (/proc/x).
  if (error) {
    return WithExitCode(SystemError(error.value(), "make the folder", path), ExitCode::kInternal);
  }
  return absl::OkStatus();
}

absl::Status WriteFileAtomically(const std::string& path, absl::string_view contents) {
  SLIMREEL_ASSIGN_OR_RETURN(std::unique_ptr<AtomicFile> file, AtomicFile::Create(path));
  SLIMREEL_RETURN_IF_ERROR(file->Write(contents));
  return file->Commit();
}

absl::StatusOr<std::string> ReadFile(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return SystemError(errno, "open", path);
  std::string contents;
  std::vector<char> buffer(1 << 16);
  for (;;) {
    const ssize_t count = read(fd, buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) {
      const int error_number = count < 0 ? errno : 0;
      close(fd);
      if (error_number != 0) return SystemError(error_number, "read", path);
      return contents;
    }
    contents.append(buffer.data(), static_cast<size_t>(count));
  }
}

AtomicFile::AtomicFile(std::string path, std::string aside, int fd)
    : path_(std::move(path)), aside_(std::move(aside)), fd_(fd) {}

absl::StatusOr<std::unique_ptr<AtomicFile>> AtomicFile::Create(const std::string& path) {
  for (;;) {
    const std::string aside = AsideName(path);
    const int fd = open(aside.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0 && errno == EEXIST) continue;
    if (fd < 0) return SystemError(errno, "write", path);
    if (LockAside(fd)) return std::unique_ptr<AtomicFile>(new AtomicFile(path, aside, fd));
    close(fd);
  }
}

AtomicFile::~AtomicFile() {
  if (!aside_.empty()) unlink(aside_.c_str());
  if (fd_ >= 0) close(fd_);
}

absl::Status AtomicFile::Write(absl::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = write(fd_, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return SystemError(errno, "write", path_);
    bytes.remove_prefix(static_cast<size_t>(count));
  }
  return absl::OkStatus();
}

absl::Status AtomicFile::Commit() {
  if (fsync(fd_) != 0) return SystemError(errno, "sync", path_);
  if (rename(aside_.c_str(), path_.c_str()) != 0) return SystemError(errno, "write", path_);
  aside_.clear();
  return SyncPath(ParentOf(path_));
}

AtomicFolder::AtomicFolder(std::string path, std::string aside, int fd)
    : path_(std::move(path)), aside_(std::move(aside)), fd_(fd) {}

absl::StatusOr<std::unique_ptr<AtomicFolder>> AtomicFolder::Create(const std::string& given) {
  const std::string path = WithoutTrailingSlash(given);
  for (;;) {
    const std::string aside = AsideName(path);
    if (mkdir(aside.c_str(), 0777) != 0) {
      if (errno == EEXIST) continue;
      return SystemError(errno, "make the folder", path);
    }
    const int fd = open(aside.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
      const int error_number = errno;
      if (error_number == ENOENT) continue;  // removed by RemoveLeftovers, see LockAside
      rmdir(aside.c_str());
      return SystemError(error_number, "make the folder", path);
    }
    if (LockAside(fd)) return std::unique_ptr<AtomicFolder>(new AtomicFolder(path, aside, fd));
    close(fd);
  }
}

AtomicFolder::~AtomicFolder() {
  std::error_code ignored;
  if (!aside_.empty()) fs::remove_all(aside_, ignored);
  if (fd_ >= 0) close(fd_);
}

absl::Status AtomicFolder::Commit() {
  SLIMREEL_RETURN_IF_ERROR(SyncTree(aside_));
  if (rename(aside_.c_str(), path_.c_str()) == 0) {
    aside_.clear();
    return SyncPath(ParentOf(path_));
  }
  if (errno != ENOTEMPTY && errno != EEXIST) return SystemError(errno, "write", path_);
  // One exchange, so that a folder always has the name. The old folder then has the temporary
  // name, and the destructor removes it.
  if (renameat2(AT_FDCWD, aside_.c_str(), AT_FDCWD, path_.c_str(), RENAME_EXCHANGE) != 0) {
    return SystemError(errno, "replace", path_);
  }
  return SyncPath(ParentOf(path_));
}

absl::Status RemoveLeftovers(const std::string& folder) {
  std::error_code error;
  std::vector<std::string> leftovers;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    if (absl::StartsWith(it->path().filename().string(), std::string(kAsidePrefix))) {
      leftovers.push_back(it->path().string());
    }
  }
  if (error) return SystemError(error.value(), "list", folder);
  for (const std::string& path : leftovers) {
    const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) continue;
    const bool writer_is_dead = flock(fd, LOCK_EX | LOCK_NB) == 0;
    if (writer_is_dead) fs::remove_all(path, error);
    close(fd);
    if (error) return SystemError(error.value(), "remove", path);
  }
  return absl::OkStatus();
}

}  // namespace slimreel
