#include "data/chunking/file_look.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include <algorithm>
#include <cerrno>
#include <vector>

#include "base/atomic_file.h"

namespace slimreel {
namespace {

constexpr int64_t kEndBytes = 64 << 10;

int64_t Nanoseconds(const timespec& time) {
  return int64_t{1000000000} * time.tv_sec + time.tv_nsec;
}

// A file descriptor that closes itself.
struct OpenFile {
  explicit OpenFile(const std::string& path)
      : fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {}
  ~OpenFile() {
    if (fd >= 0) close(fd);
  }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
  const int fd;
};

// Appends the bytes [offset, offset + count) to `bytes`; false with errno set.
bool ReadAt(int fd, int64_t offset, int64_t count, std::vector<char>* bytes) {
  for (const int64_t end = offset + count; offset < end;) {
    const size_t at = bytes->size();
    bytes->resize(at + static_cast<size_t>(end - offset));
    const ssize_t got = pread(fd, bytes->data() + at, bytes->size() - at, offset);
    bytes->resize(at + static_cast<size_t>(std::max<ssize_t>(got, 0)));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return false;
    if (got == 0) return true;  // cut meanwhile: the size tells
    offset += got;
  }
  return true;
}

}  // namespace

FileLook LookAt(const std::string& path) {
  struct stat status;
  if (stat(path.c_str(), &status) != 0) return {};
  return {status.st_size, Nanoseconds(status.st_mtim), Nanoseconds(status.st_ctim)};
}

absl::StatusOr<uint64_t> DigestOf(const std::string& path) {
  const OpenFile file(path);
  struct stat status;
  if (file.fd < 0 || fstat(file.fd, &status) != 0) return SystemError(errno, "read", path);
  if (!S_ISREG(status.st_mode)) return uint64_t{0};  // nothing that is prepared
  const int64_t size = status.st_size;
  std::vector<char> bytes;
  const int64_t head = std::min(size, kEndBytes);
  const int64_t tail = std::min(size - head, kEndBytes);
  if (!ReadAt(file.fd, 0, head, &bytes) || !ReadAt(file.fd, size - tail, tail, &bytes)) {
    return SystemError(errno, "read", path);
  }
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), static_cast<uint64_t>(size));
}

}  // namespace slimreel
