// Refuses two videos that would use the same keypoint file (keypoint_file.h).
//
// Threading: pure functions of the file system.
#ifndef DATA_ANNOTATIONS_SHARED_KEYPOINTS_H_
#define DATA_ANNOTATIONS_SHARED_KEYPOINTS_H_

#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace slimreel {

// InvalidArgument: names both videos and the remedy. Looks for files only if two names collide.
absl::Status RefuseSharedKeypoints(const std::vector<absl::string_view>& videos);

}  // namespace slimreel

#endif  // DATA_ANNOTATIONS_SHARED_KEYPOINTS_H_
