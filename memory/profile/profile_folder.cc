#include "memory/profile/profile_folder.h"

#include <xxhash.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "base/atomic_file.h"
#include "base/byte_text.h"
#include "base/logging.h"
#include "memory/profile/profile_environment.h"
#include "memory/profile/stage_profile_json.h"

namespace slimreel {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

// Of the files and of what the profiler measures. Another number makes old files unknown.
constexpr int kFormat = 1;
constexpr absl::string_view kExtension = ".profile";
constexpr size_t kHashDigits = 16;

std::string Hash(absl::string_view text) {
  return absl::StrFormat("%016x", XXH3_64bits(text.data(), text.size()));
}

// A file: the hash of all that follows, a line feed, and JSON.
std::string FileOf(const std::string& full_key, const MeasuredStages& stages) {
  const Json json = {{"key", full_key}, {"stages", MeasuredStagesToJson(stages)}};
  const std::string body = absl::StrCat("\n", json.dump(-1, ' ', /*ensure_ascii=*/true));
  return absl::StrCat(Hash(body), body);
}

std::optional<MeasuredStages> StagesOf(absl::string_view file, const std::string& full_key) {
  if (file.size() < kHashDigits) return std::nullopt;
  const absl::string_view body = file.substr(kHashDigits);
  if (file.substr(0, kHashDigits) != Hash(body)) return std::nullopt;
  const Json json = Json::parse(body.begin(), body.end(), nullptr, /*allow_exceptions=*/false);
  if (MemberOf(json, "key") != full_key) return std::nullopt;
  return MeasuredStagesFromJson(MemberOf(json, "stages"));
}

struct KeptFile {
  fs::file_time_type used;
  int64_t bytes = 0;
  fs::path path;
};

// The profiles in the folder, those used last first.
std::vector<KeptFile> FilesIn(const std::string& folder) {
  std::vector<KeptFile> files;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    if (it->path().extension() != std::string(kExtension)) continue;
    std::error_code gone;  // another process may remove it now
    const auto bytes = static_cast<int64_t>(it->file_size(gone));
    const fs::file_time_type used = it->last_write_time(gone);
    if (!gone) files.push_back({used, bytes, it->path()});
  }
  std::sort(files.begin(), files.end(),
            [](const KeptFile& a, const KeptFile& b) { return a.used > b.used; });
  return files;
}

// Folders in which a cache may lie, best first.
std::vector<std::string> Candidates() {
  std::vector<std::string> folders;
  const char* const cache = std::getenv("XDG_CACHE_HOME");
  const char* const home = std::getenv("HOME");
  // The standard says that a relative path there is to be ignored.
  if (cache != nullptr && *cache == '/') folders.push_back(absl::StrCat(cache, "/slimreel"));
  if (home != nullptr && *home == '/') folders.push_back(absl::StrCat(home, "/.cache/slimreel"));
  return folders;
}

}  // namespace

ProfileFolder::ProfileFolder(ProfileFolderOptions options) : options_(std::move(options)) {
  // What is left stays: it only takes space.
  RemoveLeftovers(options_.folder).IgnoreError();
}

// Valid UTF-8, as JSON wants it.
std::string ProfileFolder::FullKey(const std::string& key) const {
  return TextOfBytes(absl::StrCat("format ", kFormat, "\n", options_.environment, "\n\n",
                                  options_.what, "\n\n", key));
}

std::string ProfileFolder::PathOf(const std::string& full_key) const {
  return absl::StrCat(options_.folder, "/", Hash(full_key), std::string(kExtension));
}

MeasuredStages ProfileFolder::Load(const std::string& key) {
  const std::string full_key = FullKey(key);
  const std::string path = PathOf(full_key);
  const auto file = ReadFile(path);
  if (!file.ok()) return {};
  auto stages = StagesOf(*file, full_key);
  if (!stages) return {};
  std::error_code error;  // only the order of removal suffers
  fs::last_write_time(path, fs::file_time_type::clock::now(), error);
  return *std::move(stages);
}

void ProfileFolder::Store(const std::string& key, const MeasuredStages& stages) {
  if (!can_write_) return;
  const std::string full_key = FullKey(key);
  const absl::Status written = WriteFileAtomically(PathOf(full_key), FileOf(full_key, stages));
  if (!written.ok()) {
    LOG(INFO) << "Profiles of this run are not kept: " << written.message();
    can_write_ = false;
    return;
  }
  DropOldest();
}

void ProfileFolder::DropOldest() const {
  int64_t bytes = 0;
  for (const KeptFile& file : FilesIn(options_.folder)) {
    bytes += file.bytes;
    std::error_code error;  // another process may have removed it
    if (bytes > options_.max_bytes) fs::remove(file.path, error);
  }
}

std::unique_ptr<ProfileCache> OpenProfileCache(at::Device device, const std::string& what) {
  absl::Status status = absl::NotFoundError("neither XDG_CACHE_HOME nor HOME is set");
  for (const std::string& candidate : Candidates()) {
    const std::string folder = candidate + "/profiles";
    status = MakeFolders(folder);
    if (!status.ok()) continue;
    return std::make_unique<ProfileFolder>(
        ProfileFolderOptions{folder, DescribeEnvironment(device), what});
  }
  LOG(INFO) << "Profiles of this run are not kept: " << status.message();
  return nullptr;
}

}  // namespace slimreel
