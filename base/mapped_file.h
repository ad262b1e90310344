// A whole file, mapped read-only into memory. Shards and weight files are read without a copy.
//
// Threading: const methods may be called from any thread. The object owns the mapping. The file
// must not be truncated while the object lives.
#ifndef BASE_MAPPED_FILE_H_
#define BASE_MAPPED_FILE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace slimreel {

class MappedFile {
 public:
  // Errors, with the path: NotFound, PermissionDenied, or InvalidArgument (not a regular file).
  static absl::StatusOr<std::unique_ptr<MappedFile>> Open(const std::string& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  const std::string& path() const { return path_; }
  std::string_view bytes() const { return {data_, size_}; }

  // Hints to the system. The first two are about the bytes [offset, offset + length). They never
  // fail.
  void WillNeed(uint64_t offset, uint64_t length) const;
  // Affects only pages that are wholly inside the range.
  void DontNeed(uint64_t offset, uint64_t length) const;
  void Sequential() const;
  void Random() const;

 private:
  MappedFile(std::string path, char* data, uint64_t size)
      : path_(std::move(path)), data_(data), size_(size) {}
  std::string path_;
  char* data_;
  uint64_t size_;
};

}  // namespace slimreel

#endif  // BASE_MAPPED_FILE_H_
