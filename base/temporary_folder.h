// A folder in the system's temporary place (TMPDIR), removed with all in it when
// the object dies. For programs that make what they measure.
#ifndef BASE_TEMPORARY_FOLDER_H_
#define BASE_TEMPORARY_FOLDER_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace slimreel {

class TemporaryFolder {
 public:
  // TMPDIR/slimreel_<name>.XXXXXX. Errors: the system's (base/atomic_file.h).
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
