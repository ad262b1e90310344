// Two videos that would take the same keypoint file (keypoint_file.h).
#ifndef DATA_ANNOTATIONS_SHARED_KEYPOINTS_H_
#define DATA_ANNOTATIONS_SHARED_KEYPOINTS_H_

#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace slimreel {

// InvalidArgument that names both videos and the way out. Looks for files only where two
// names collide.
absl::Status RefuseSharedKeypoints(const std::vector<absl::string_view>& videos);

}  // namespace slimreel

#endif  // DATA_ANNOTATIONS_SHARED_KEYPOINTS_H_
