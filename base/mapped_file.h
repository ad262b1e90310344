// A whole file mapped read-only. Used by shards and weight files, which are read
// where they lie.
//
// Threading: const methods from any thread. The mapping lives as long as the
// object; the file must not be cut short meanwhile.
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
  // NotFound, PermissionDenied or InvalidArgument (no regular file), with the path.
  static absl::StatusOr<std::unique_ptr<MappedFile>> Open(const std::string& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  const std::string& path() const { return path_; }
  std::string_view bytes() const { return {data_, size_}; }

  // Hints to the system over [offset, offset + length); never fail.
  void WillNeed(uint64_t offset, uint64_t length) const;
  // Only pages that lie wholly in the range go: neighbours stay.
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
