// A folder in the system's temporary folder (TMPDIR). The destructor removes it with everything
// in it. For programs that generate the data that they measure.
#ifndef BASE_TEMPORARY_FOLDER_H_
#define BASE_TEMPORARY_FOLDER_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace slimreel {

class TemporaryFolder {
 public:
  // Makes TMPDIR/slimreel_<name>.XXXXXX. Errors: those of base/atomic_file.h.
  static absl::StatusOr<std::unique_ptr<TemporaryFolder>> Create(absl::string_view name);
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  const std::string& path() const { return path_; }

 private:
  explicit TemporaryFolder(std::string path) : path_(std::move(path)) {}
  const std::string path_;
};

}  // namespace slimreel

#endif  // BASE_TEMPORARY_FOLDER_H_
