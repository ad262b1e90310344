#include "base/random_access_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/atomic_file.h"

namespace slimreel {

absl::StatusOr<RandomAccessFile> RandomAccessFile::Open(const std::string& path) {
  RandomAccessFile file(path, open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  // No file can have a name that is too long for the system.
  if (file.fd_ < 0 && errno == ENAMETOOLONG) return SystemError(ENOENT, "open", path);
  struct stat status;
  if (file.fd_ < 0 || fstat(file.fd_, &status) != 0) return SystemError(errno, "open", path);
  file.is_regular_ = S_ISREG(status.st_mode);
  file.size_bytes_ = status.st_size;
  return file;
}

RandomAccessFile::RandomAccessFile(RandomAccessFile&& other) noexcept
    : path_(std::move(other.path_)),
      fd_(std::exchange(other.fd_, -1)),
      is_regular_(other.is_regular_),
      size_bytes_(other.size_bytes_) {}

RandomAccessFile::~RandomAccessFile() {
  if (fd_ >= 0) close(fd_);
}

absl::StatusOr<size_t> RandomAccessFile::ReadAt(int64_t offset, char* to, size_t bytes) const {
  size_t done = 0;
  while (done < bytes) {
    const ssize_t count = pread(fd_, to + done, bytes - done, offset + static_cast<int64_t>(done));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return SystemError(errno, "read", path_);
    if (count == 0) break;
    done += static_cast<size_t>(count);
  }
  return done;
}

}  // namespace slimreel
