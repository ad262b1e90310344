// Writes a demo set: one folder of encoded clips per class, with keypoint files beside the clips if
// the set has keypoints.
//
// Threading: WriteDemoSet starts and joins its own threads. The files do not depend on their
// number.
#ifndef DATA_DEMO_DEMO_SET_H_
#define DATA_DEMO_DEMO_SET_H_

#include <cstdint>
#include <functional>
#include <string>

#include "absl/status/statusor.h"
#include "data/demo/motion_clip.h"
#include "data/demo/pose_clip.h"
#include "data/demo/video_writer.h"

namespace slimreel {

struct DemoSetOptions {
  std::string output;         // folder; made if missing
  int clips_per_class = 100;  // 1..1000000
  uint64_t seed = 0;          // another seed gives other clips of the same classes
  int num_threads = 2;        // at least 1
  bool pose = false;          // figures with keypoints (pose_clip.h) instead of moving objects
  MotionClipOptions clip;
  PoseClipOptions pose_clip;
  VideoEncoding encoding;
  // Called after each clip, on the thread that made it; never two calls at once.
  std::function<void(int64_t done, int64_t total)> on_progress;
};

struct DemoSetSummary {
  int64_t clips = 0;
  int64_t classes = 0;
  int64_t bytes = 0;  // of videos and keypoints
};

// Writes output/<class>/<class>_s<seed>_<number>.mp4 (and .kpts.npy). Each file appears under its
// name only when it is complete. Clips of the same name are replaced; other files stay. The same
// options give the same bytes.
//
// Errors: InvalidArgument; errors of the file system such as PermissionDenied, with the path;
// Unimplemented (no H.264 encoder). After an error, complete clips stay.
absl::StatusOr<DemoSetSummary> WriteDemoSet(const DemoSetOptions& options);

}  // namespace slimreel

#endif  // DATA_DEMO_DEMO_SET_H_
