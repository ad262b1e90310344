#include "trainer/observers/jsonl_file.h"

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "base/atomic_file.h"

namespace slimreel {
namespace {

// The number of bytes in the leading lines that are complete and have steps up to `last_step`.
int64_t IntactBytes(std::ifstream& file, int64_t last_step) {
  int64_t bytes = 0;
  std::string line;
  while (std::getline(file, line)) {
    if (file.eof()) break;  // no line end, so the line was cut off
    const auto json = nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
    if (!json.is_object() || !json.contains("step") || !json["step"].is_number_integer()) break;
    if (json["step"].get<int64_t>() > last_step) break;
    bytes += static_cast<int64_t>(line.size()) + 1;
  }
  return bytes;
}

}  // namespace

absl::StatusOr<JsonlFile> JsonlFile::Open(const std::string& path, int64_t last_step) {
  std::error_code error;
  if (std::filesystem::exists(path, error)) {
    std::ifstream file(path, std::ios::binary);
    if (!file) {
      return absl::InternalError(absl::StrCat(
          path,
          " cannot be read, so the lines of steps that will run again cannot be removed; make it "
          "readable for this user, or move it away to start a new file"));
    }
    std::filesystem::resize_file(path, IntactBytes(file, last_step), error);
    if (error) {
      return SystemError(error.value(), "cut", path);
    }
  }
  std::FILE* file = std::fopen(path.c_str(), "ab");
  if (!file) return SystemError(errno, "write", path);
  return JsonlFile(path, file);
}

absl::Status JsonlFile::Append(const std::string& line) {
  if (std::fwrite(line.data(), 1, line.size(), file_.get()) == line.size() &&
      std::fputc('\n', file_.get()) != EOF) {
    return absl::OkStatus();
  }
  return SystemError(errno, "write", path_);
}

absl::Status JsonlFile::Flush() {
  if (std::fflush(file_.get()) == 0) return absl::OkStatus();
  return SystemError(errno, "write", path_);
}

}  // namespace slimreel
