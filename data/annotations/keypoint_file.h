// Keypoints that a pose estimator left beside a video: clip.mp4 -> clip.kpts.npy.
//
// Who calls it: the pipeline's workers. Threading: none of its own.
#ifndef DATA_ANNOTATIONS_KEYPOINT_FILE_H_
#define DATA_ANNOTATIONS_KEYPOINT_FILE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace slimreel {

// [persons, frames, joints, 3] float32: x, y in pixels of the upright frame (after the
// rotation that the video asks for, before any resize), score. A coordinate 0: missing.
struct KeypointTrack {
  int64_t persons = 0;
  int64_t frames = 0;
  int64_t joints = 0;
  std::vector<float> values;
};

// "dir/clip.mp4" -> "dir/clip.kpts.npy".
std::string KeypointPathOf(const std::string& video_path);

// NotFound: there is none. DataLoss: no .npy of C-ordered float32, another shape, no
// person, frame or joint, or a value that is no number; names the path.
absl::StatusOr<KeypointTrack> ReadKeypointFile(const std::string& path);

}  // namespace slimreel

#endif  // DATA_ANNOTATIONS_KEYPOINT_FILE_H_
