#include "data/annotations/listed_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace slimreel {
namespace {

bool IsNormal(absl::string_view path) {
  if (absl::StartsWith(path, "/")) path.remove_prefix(1);
  for (;;) {
    const size_t slash = path.find('/');
    const absl::string_view part = path.substr(0, slash);
    if (part.empty() || part == "." || part == "..") return false;
    if (slash == absl::string_view::npos) return true;
    path.remove_prefix(slash + 1);
  }
}

}  // namespace

ListedFiles::ListedFiles(const std::string& list) {
  const std::string parent = std::filesystem::path(list).parent_path().string();
  if (parent.empty()) return;
  prefix_ = absl::EndsWith(parent, "/") ? parent : absl::StrCat(parent, "/");
  folder_ = open(parent.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
}

ListedFiles::~ListedFiles() {
  if (folder_ >= 0) close(folder_);
}

bool ListedFiles::IsThere(int folder, absl::string_view name, bool folders_too) const {
  struct stat status;
  buffer_.assign(name.data(), name.size());
  return fstatat(folder, buffer_.c_str(), &status, 0) == 0 &&
         (folders_too || !S_ISDIR(status.st_mode));
}

bool ListedFiles::Exists(absl::string_view listed) const {
  if (listed.empty()) return false;
  const bool beside = folder_ >= 0 && !absl::StartsWith(listed, "/");
  return (beside && IsThere(folder_, listed, false)) || IsThere(AT_FDCWD, listed, false);
}

std::string ListedFiles::Resolve(absl::string_view listed) const {
  if (prefix_.empty() || absl::StartsWith(listed, "/")) return std::string(listed);
  if (folder_ < 0 || IsThere(folder_, listed, true) || !IsThere(AT_FDCWD, listed, true)) {
    return Beside(listed);
  }
  return std::string(listed);
}

std::string ListedFiles::Beside(absl::string_view listed) const {
  return absl::StartsWith(listed, "/") ? std::string(listed) : absl::StrCat(prefix_, listed);
}

absl::string_view NormalPath(absl::string_view path, std::string* storage) {
  if (IsNormal(path)) return path;
  *storage = std::filesystem::path(std::string(path)).lexically_normal().string();
  return *storage;
}

absl::string_view NormalIn(absl::string_view path, std::deque<std::string>* storage) {
  std::string normal;
  const absl::string_view view = NormalPath(path, &normal);
  if (view.data() == path.data()) return view;
  storage->push_back(std::move(normal));
  return storage->back();
}

}  // namespace slimreel
