#include "data/chunking/file_stat.h"

#include <sys/stat.h>
#include <xxhash.h>

#include <algorithm>
#include <vector>

#include "base/random_access_file.h"
#include "base/status_macros.h"

namespace slimreel {
namespace {

constexpr int64_t kEndBytes = 64 << 10;

int64_t Nanoseconds(const timespec& time) {
  return int64_t{1000000000} * time.tv_sec + time.tv_nsec;
}

}  // namespace

FileStat StatFile(const std::string& path) {
  struct stat status;
  if (stat(path.c_str(), &status) != 0) return {};
  return {status.st_size, Nanoseconds(status.st_mtim), Nanoseconds(status.st_ctim)};
}

absl::StatusOr<uint64_t> FileDigest(const std::string& path) {
  SLIMREEL_ASSIGN_OR_RETURN(const RandomAccessFile file, RandomAccessFile::Open(path));
  if (!file.is_regular()) return uint64_t{0};  // such a path is never prepared
  const int64_t size = file.size_bytes();
  const int64_t head = std::min(size, kEndBytes);
  const int64_t tail = std::min(size - head, kEndBytes);
  std::vector<char> bytes(static_cast<size_t>(head + tail));
  SLIMREEL_ASSIGN_OR_RETURN(const size_t head_read,
                            file.ReadAt(0, bytes.data(), static_cast<size_t>(head)));
  SLIMREEL_ASSIGN_OR_RETURN(
      const size_t tail_read,
      file.ReadAt(size - tail, bytes.data() + head_read, static_cast<size_t>(tail)));
  bytes.resize(head_read + tail_read);  // shorter if the file was cut meanwhile
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), static_cast<uint64_t>(size));
}

}  // namespace slimreel
