#include "base/temporary_folder.h"

#include <stdlib.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "base/atomic_file.h"

namespace slimreel {

namespace fs = std::filesystem;

absl::StatusOr<std::unique_ptr<TemporaryFolder>> TemporaryFolder::Create(absl::string_view name) {
  std::error_code error;
  const fs::path parent = fs::temp_directory_path(error);
  if (error) return SystemError(error.value(), "use the temporary folder", parent.string());
  std::string path = absl::StrCat(parent.string(), "/slimreel_", name, ".XXXXXX");
  if (mkdtemp(path.data()) == nullptr) return SystemError(errno, "make the folder", path);
  return std::unique_ptr<TemporaryFolder>(new TemporaryFolder(std::move(path)));
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

}  // namespace slimreel
