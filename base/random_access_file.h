// A file open for reading at any offset. It is not mapped, so a failing disk gives a Status instead
// of a signal.
//
// Threading: const methods from any thread. Owns the descriptor.
#ifndef BASE_RANDOM_ACCESS_FILE_H_
#define BASE_RANDOM_ACCESS_FILE_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "absl/status/statusor.h"

namespace slimreel {

class RandomAccessFile {
 public:
  // Opens any kind of file (check is_regular) and never waits for the other end of a pipe.
  // Errors: those of SystemError (base/atomic_file.h). NotFound also if the name is too long for
  // the system.
  static absl::StatusOr<RandomAccessFile> Open(const std::string& path);
  RandomAccessFile(RandomAccessFile&& other) noexcept;
  RandomAccessFile& operator=(RandomAccessFile&&) = delete;
  ~RandomAccessFile();

  // Both as they were when the file was opened.
  bool is_regular() const { return is_regular_; }
  int64_t size_bytes() const { return size_bytes_; }

  // Reads `bytes` bytes from `offset` on into `to`. Returns how many it read: fewer only if the
  // file ends before. Errors: those of SystemError.
  absl::StatusOr<size_t> ReadAt(int64_t offset, char* to, size_t bytes) const;

 private:
  RandomAccessFile(std::string path, int fd) : path_(std::move(path)), fd_(fd) {}

  std::string path_;
  int fd_;
  bool is_regular_ = false;
  int64_t size_bytes_ = 0;
};

}  // namespace slimreel

#endif  // BASE_RANDOM_ACCESS_FILE_H_
