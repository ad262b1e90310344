#include "data/annotations/folder_videos.h"

#include <errno.h>

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/atomic_file.h"
#include "base/status_macros.h"
#include "data/annotations/video_name.h"

namespace slimreel {
namespace {

namespace fs = std::filesystem;

fs::path RealPath(const fs::path& path) {
  std::error_code error;
  const fs::path real = fs::canonical(path, error);
  return error ? path : real;
}

class Walk {
 public:
  explicit Walk(FolderVideos* found) : found_(found) {}

  // `real`: the folder's canonical path. `below`: its name below the input, ending in a slash;
  // empty for the input itself.
  absl::Status Enter(const fs::path& folder, const fs::path& real, const std::string& below) {
    std::error_code error;
    fs::directory_iterator it(folder, error);
    const bool vanished = error.value() == ENOENT || error.value() == ENOTDIR;
    const bool forbidden = error.value() == EACCES || error.value() == EPERM;
    if (!below.empty() && (vanished || forbidden)) {
      if (forbidden) found_->unreadable.push_back(folder.string());
      return absl::OkStatus();
    }
    ancestors_.push_back(real);
    for (; !error && it != fs::directory_iterator(); it.increment(error)) {
      SLIMREEL_RETURN_IF_ERROR(AddEntry(*it, below));
    }
    ancestors_.pop_back();
    return error ? SystemError(error.value(), "list", folder.string()) : absl::OkStatus();
  }

 private:
  absl::Status AddEntry(const fs::directory_entry& entry, const std::string& below) {
    const std::string name = entry.path().filename().string();
    if (name[0] == '.') return absl::OkStatus();
    std::error_code ignored;
    if (!entry.is_directory(ignored)) {
      if (IsVideoName(name)) {
        found_->videos.push_back(below + name);
      } else if (!absl::EndsWith(name, ".kpts.npy")) {  // keypoint files lie beside their videos
        ++found_->others;
      }
      return absl::OkStatus();
    }
    const bool link = entry.is_symlink(ignored);
    const fs::path real = link ? RealPath(entry.path()) : ancestors_.back() / name;
    if (link && LeadsBack(real)) {
      found_->links_back.push_back(entry.path().string());
      return absl::OkStatus();
    }
    return Enter(entry.path(), real, absl::StrCat(below, name, "/"));
  }

  // True if `target` is one of the ancestors or contains one. Following it would find every video
  // again.
  bool LeadsBack(const fs::path& target) const {
    return std::any_of(ancestors_.begin(), ancestors_.end(), [&target](const fs::path& inner) {
      return std::mismatch(target.begin(), target.end(), inner.begin(), inner.end()).first ==
             target.end();
    });
  }

  FolderVideos* const found_;
  std::vector<fs::path> ancestors_;  // canonical paths, from the input down
};

}  // namespace

absl::StatusOr<FolderVideos> ListFolderVideos(const std::string& folder) {
  FolderVideos found;
  SLIMREEL_RETURN_IF_ERROR(Walk(&found).Enter(folder, RealPath(folder), ""));
  std::sort(found.videos.begin(), found.videos.end());
  std::sort(found.links_back.begin(), found.links_back.end());
  std::sort(found.unreadable.begin(), found.unreadable.end());
  return found;
}

}  // namespace slimreel
