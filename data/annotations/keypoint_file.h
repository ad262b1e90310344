// Keypoints that a pose estimator left beside a video: clip.mp4 -> clip.mp4.kpts.npy, else
// clip.kpts.npy. Threading: none of its own.
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

// What a track may take in memory unless the caller says otherwise: 10 persons of 133 joints
// for half an hour.
inline constexpr int64_t kMaxKeypointBytes = int64_t{1} << 30;

// "dir/clip.mp4" -> "dir/clip.mp4.kpts.npy" where that is there, else "dir/clip.kpts.npy".
std::string KeypointPathOf(const std::string& video_path);

// Little-endian, C-ordered float32, float64 or float16; the latter two become float32.
//
// NotFound: there is none. OutOfRange: in memory it would be larger than `max_bytes`. DataLoss:
// another array, a size that its header denies, no person, frame or joint, a value that is no
// number or none of float32. The machine's own errors: ResourceExhausted (memory, descriptors),
// Unavailable (the disk), PermissionDenied. All name the path. Header and sizes are judged
// before memory is taken.
absl::StatusOr<KeypointTrack> ReadKeypointFile(const std::string& path,
                                               int64_t max_bytes = kMaxKeypointBytes);

}  // namespace slimreel

#endif  // DATA_ANNOTATIONS_KEYPOINT_FILE_H_
