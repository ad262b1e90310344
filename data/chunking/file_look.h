// What a look at a file tells about its version, without reading it, and a digest that tells
// more. Threading: pure functions of the file system.
#ifndef DATA_CHUNKING_FILE_LOOK_H_
#define DATA_CHUNKING_FILE_LOOK_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"

namespace slimreel {

struct FileLook {
  int64_t size_bytes = -1;  // -1: it could not be looked at
  int64_t mtime_ns = 0;     // of the last change of its content
  int64_t ctime_ns = 0;     // of the last change of anything, rights and name included
  bool there() const { return size_bytes >= 0; }
  friend bool operator==(const FileLook&, const FileLook&) = default;
};

FileLook LookAt(const std::string& path);

// XXH3-64 of the first and the last 64 KiB (of all of a file up to 128 KiB) and of the size. It
// tells files apart that were given the size and time of others. Errors: as base/atomic_file.h.
absl::StatusOr<uint64_t> DigestOf(const std::string& path);

}  // namespace slimreel

#endif  // DATA_CHUNKING_FILE_LOOK_H_
