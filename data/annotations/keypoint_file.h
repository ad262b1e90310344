// Reads the keypoints that a pose estimator wrote beside a video: for clip.mp4, the file
// clip.mp4.kpts.npy, else clip.kpts.npy.
//
// Threading: pure functions of the file system.
#ifndef DATA_ANNOTATIONS_KEYPOINT_FILE_H_
#define DATA_ANNOTATIONS_KEYPOINT_FILE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace slimreel {

// [persons, frames, joints, 3] float32: x, y, score. x and y are pixels of the upright frame: after
// the rotation that the video asks for, before any resize. A joint with a coordinate of 0 is
// missing.
struct KeypointTrack {
  int64_t persons = 0;
  int64_t frames = 0;
  int64_t joints = 0;
  std::vector<float> values;
};

// The default bound on the memory of a track: enough for 10 persons of 133 joints for half an hour.
inline constexpr int64_t kMaxKeypointBytes = int64_t{1} << 30;

// For "dir/clip.mp4": "dir/clip.mp4.kpts.npy" if that file exists, else "dir/clip.kpts.npy".
std::string KeypointPathOf(const std::string& video_path);

// Reads little-endian, C-ordered arrays of float32, float64 or float16. The latter two become
// float32. Header and sizes are checked before memory is allocated.
//
// All errors name the path. NotFound: there is no such file. OutOfRange: the track would take more
// than `max_bytes` in memory. DataLoss: another kind of array; a file size that does not match the
// header; no person, frame or joint; a value that is not a finite float32. Errors of the machine:
// ResourceExhausted (memory, descriptors), Unavailable (the disk), PermissionDenied.
absl::StatusOr<KeypointTrack> ReadKeypointFile(const std::string& path,
                                               int64_t max_bytes = kMaxKeypointBytes);

}  // namespace slimreel

#endif  // DATA_ANNOTATIONS_KEYPOINT_FILE_H_
