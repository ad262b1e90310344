// Size and times of a file, read without opening it, and a digest of its head and tail. Together
// they tell one version of a file from another. Threading: any; pure functions of the file system.
#ifndef DATA_CHUNKING_FILE_STAT_H_
#define DATA_CHUNKING_FILE_STAT_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"

namespace slimreel {

struct FileStat {
  int64_t size_bytes = -1;  // -1: the file is missing or not accessible
  int64_t mtime_ns = 0;     // last change of the contents, since 1970
  int64_t ctime_ns = 0;     // last change of anything, permissions and name included, since 1970
  bool exists() const { return size_bytes >= 0; }
  friend bool operator==(const FileStat&, const FileStat&) = default;
};

FileStat StatFile(const std::string& path);

// XXH3-64 of the first and the last 64 KiB (of all bytes, for files up to 128 KiB), seeded with the
// size. It tells apart files that have the same size and times. 0 for anything but a regular file.
// Errors: those of base/atomic_file.h.
absl::StatusOr<uint64_t> FileDigest(const std::string& path);

}  // namespace slimreel

#endif  // DATA_CHUNKING_FILE_STAT_H_
