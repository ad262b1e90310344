#include "data/chunking/chunk_keypoints.h"

#include "data/shard/npy.h"

namespace slimreel {

std::string ChunkKeypoints(const KeypointTrack& track, const std::vector<KeypointFrame>& frames,
                           FrameSize stored) {
  std::vector<float> values;
  values.reserve(track.persons * frames.size() * track.joints * 3);
  for (int64_t person = 0; person < track.persons; ++person) {
    for (const auto& [number, upright] : frames) {
      const double x_scale = static_cast<double>(stored.width) / upright.width;
      const double y_scale = static_cast<double>(stored.height) / upright.height;
      const float* joint = &track.values[(person * track.frames + number) * track.joints * 3];
      for (int64_t v = 0; v < track.joints; ++v, joint += 3) {
        values.push_back(static_cast<float>(joint[0] * x_scale));
        values.push_back(static_cast<float>(joint[1] * y_scale));
        values.push_back(joint[2]);
      }
    }
  }
  return NpyFile(NpyType::kFloat32,
                 {track.persons, static_cast<int64_t>(frames.size()), track.joints, 3},
                 values.data());
}

}  // namespace slimreel
