#include "base/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/atomic_file.h"

namespace slimreel {
namespace {

uint64_t PageBytes() {
  static const uint64_t bytes = static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  return bytes;
}

}  // namespace

absl::StatusOr<std::unique_ptr<MappedFile>> MappedFile::Open(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return SystemError(errno, "open", path);
  struct stat status;
  if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) {
    close(fd);
    return absl::InvalidArgumentError(absl::StrCat(
        path,
        " is not a regular file; a folder, a device or a pipe cannot be mapped; name a file"));
  }
  const uint64_t size = static_cast<uint64_t>(status.st_size);
  void* data = nullptr;
  if (size > 0) data = mmap(nullptr, size, PROT_READ, MAP_SHARED, fd, 0);
  const int error = errno;
  close(fd);  // the mapping keeps the file open
  if (data == MAP_FAILED) {
    return SystemError(error, "map", absl::StrCat(path, " (", size, " bytes)"));
  }
  return std::unique_ptr<MappedFile>(new MappedFile(path, static_cast<char*>(data), size));
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) munmap(data_, size_);
}

void MappedFile::WillNeed(uint64_t offset, uint64_t length) const {
  if (offset >= size_) return;
  const uint64_t begin = offset / PageBytes() * PageBytes();
  const uint64_t end = offset + std::min(length, size_ - offset);
  madvise(data_ + begin, end - begin, MADV_WILLNEED);
}

void MappedFile::DontNeed(uint64_t offset, uint64_t length) const {
  if (offset >= size_) return;
  const uint64_t begin = (offset + PageBytes() - 1) / PageBytes() * PageBytes();
  const uint64_t end = (offset + std::min(length, size_ - offset)) / PageBytes() * PageBytes();
  if (begin < end) madvise(data_ + begin, end - begin, MADV_DONTNEED);
}

void MappedFile::Sequential() const {
  if (data_ != nullptr) madvise(data_, size_, MADV_SEQUENTIAL);
}

void MappedFile::Random() const {
  if (data_ != nullptr) madvise(data_, size_, MADV_RANDOM);
}

}  // namespace slimreel
