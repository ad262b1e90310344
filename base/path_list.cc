#include "base/path_list.h"

#include <filesystem>
#include <system_error>

#include "absl/strings/str_split.h"

namespace slimreel {
namespace {

bool IsThere(const std::string& path) {
  std::error_code ignored;
  return std::filesystem::exists(path, ignored);
}

}  // namespace

std::vector<std::string> PathList(absl::string_view values) {
  // A file name may contain the separator.
  if (IsThere(std::string(values))) return {std::string(values)};
  std::vector<std::string> paths;
  for (const absl::string_view value : absl::StrSplit(values, kBetweenValues, absl::SkipEmpty())) {
    if (IsThere(std::string(value))) {
      paths.push_back(std::string(value));
      continue;
    }
    for (const absl::string_view path : absl::StrSplit(value, ',', absl::SkipEmpty())) {
      paths.push_back(std::string(path));
    }
  }
  return paths;
}

}  // namespace slimreel
