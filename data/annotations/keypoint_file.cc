#include "data/annotations/keypoint_file.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/atomic_file.h"
#include "base/status_macros.h"
#include "data/shard/npy.h"

namespace slimreel {

std::string KeypointPathOf(const std::string& video_path) {
  return std::filesystem::path(video_path).replace_extension(".kpts.npy").string();
}

absl::StatusOr<KeypointTrack> ReadKeypointFile(const std::string& path) {
  std::error_code ignored;
  const auto status = std::filesystem::status(path, ignored);
  if (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status)) {
    // A pipe would be waited for, for ever.
    return absl::DataLossError(absl::StrCat(path, ": this is no regular file"));
  }
  SLIMREEL_ASSIGN_OR_RETURN(const std::string file, ReadFile(path));
  const auto npy = ParseNpy(file);
  if (!npy.ok()) return absl::DataLossError(absl::StrCat(path, ": ", npy.status().message()));
  const std::vector<int64_t>& shape = npy->shape;
  if (npy->type != NpyType::kFloat32 || shape.size() != 4 || shape[3] != 3 ||
      std::count(shape.begin(), shape.end(), 0) > 0) {
    return absl::DataLossError(absl::StrCat(path, ": shape (", absl::StrJoin(shape, ", "),
                                            ") or type is not (persons, frames, joints, 3) of "
                                            "float32"));
  }
  KeypointTrack track{shape[0], shape[1], shape[2], {}};
  track.values.resize(npy->data.size() / sizeof(float));
  std::memcpy(track.values.data(), npy->data.data(), npy->data.size());
  const auto bad = std::find_if_not(track.values.begin(), track.values.end(),
                                    [](float value) { return std::isfinite(value); });
  if (bad == track.values.end()) return track;
  const int64_t index = (bad - track.values.begin()) / 3;
  return absl::DataLossError(absl::StrCat(path, ": joint ", index % track.joints, " of frame ",
                                          index / track.joints % track.frames, " is ", *bad,
                                          "; write 0, 0, 0 for a missing joint"));
}

}  // namespace slimreel
