#include "data/annotations/shared_keypoints.h"

#include <sys/stat.h>

#include <map>
#include <set>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "data/annotations/keypoint_file.h"

namespace slimreel {
namespace {

// "dir/clip.mp4" -> "dir/clip", as std::filesystem's stem does.
absl::string_view StemOf(absl::string_view path) {
  const size_t dot = path.rfind('.');
  const bool none = dot == absl::string_view::npos || dot == 0 || path[dot - 1] == '/' ||
                    path.find('/', dot) != absl::string_view::npos;
  return none ? path : path.substr(0, dot);
}

bool IsThere(const std::string& path) {
  struct stat status;
  return stat(path.c_str(), &status) == 0;
}

}  // namespace

absl::Status RefuseSharedKeypoints(const std::vector<absl::string_view>& videos) {
  absl::flat_hash_map<absl::string_view, size_t> first_of;
  first_of.reserve(videos.size());
  std::set<size_t> colliding;
  for (size_t i = 0; i < videos.size(); ++i) {
    const auto [at, added] = first_of.emplace(StemOf(videos[i]), i);
    if (!added) colliding.insert({at->second, i});
  }
  // The whole name of one video may be the stem of another: clip.mp4 and clip.mp4.avi.
  for (size_t i = 0; i < videos.size(); ++i) {
    const auto at = first_of.find(videos[i]);
    if (at != first_of.end() && at->second != i) colliding.insert({at->second, i});
  }
  std::map<std::string, absl::string_view> owner_of;
  for (const size_t i : colliding) {
    const std::string file = KeypointPathOf(std::string(videos[i]));
    const auto [at, added] = owner_of.emplace(file, videos[i]);
    if (added || !IsThere(file)) continue;
    return absl::InvalidArgumentError(absl::StrCat(
        file, ": ", at->second, " and ", videos[i],
        " share this keypoint file; rename it after the ", "video that it belongs to, ", at->second,
        ".kpts.npy or ", videos[i], ".kpts.npy, or leave one of the videos out"));
  }
  return absl::OkStatus();
}

}  // namespace slimreel
