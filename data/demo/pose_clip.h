// Draws clips of a cloaked figure whose limbs move: frames in which only its colour can
// be seen, and keypoints in which only its motion can. Pure: no files, no codecs, no threads.
//
// See Note [Neither stream is enough]. Callers: demo_set, tests that need labelled poses.
#ifndef DATA_DEMO_POSE_CLIP_H_
#define DATA_DEMO_POSE_CLIP_H_

#include <array>
#include <cstdint>
#include <vector>

#include "absl/strings/string_view.h"

namespace slimreel {

enum class CloakColor { kBlue, kGreen, kRed };
enum class LimbMotion { kArms, kBend, kLegs };

// In the order of the sorted names.
inline constexpr CloakColor kCloakColors[] = {CloakColor::kBlue, CloakColor::kGreen,
                                              CloakColor::kRed};
inline constexpr LimbMotion kLimbMotions[] = {LimbMotion::kArms, LimbMotion::kBend,
                                              LimbMotion::kLegs};

absl::string_view CloakColorName(CloakColor color);   // "blue", ...
absl::string_view LimbMotionName(LimbMotion motion);  // "arms", ...

struct PoseClipOptions {
  int width = 96;  // pixels; at least 96 x 80
  int height = 80;
  int num_frames = 40;
};

// Lengths in pixels, angles in radians, time in frames.
struct PoseClipParameters {
  CloakColor color = CloakColor::kBlue;   // read for frames alone
  LimbMotion motion = LimbMotion::kArms;  // read for keypoints alone
  double start_x = 0, start_y = 0;        // of the hips' middle; it walks straight
  double end_x = 0, end_y = 0;
  double figure_height = 0;
  double frequency = 0, phase = 0;  // of the moving limbs; radians per frame
  double arm_angle = 0;             // at rest, from hanging down to the side
  double leg_angle = 0;
  double lean = 0;
  double background_x = 0, background_y = 0;
  double background_velocity_x = 0, background_velocity_y = 0;
  uint64_t texture_seed = 0;
  uint64_t noise_seed = 0;  // of what the pose estimator gets wrong
};

// All but color and motion is a function of `seed` alone.
PoseClipParameters DrawPoseClipParameters(CloakColor color, LimbMotion motion, uint64_t seed,
                                          const PoseClipOptions& options);

// num_frames x height x width x 3 bytes, RGB.
std::vector<uint8_t> RenderPoseClip(const PoseClipParameters& parameters,
                                    const PoseClipOptions& options);

// [1, num_frames, 17, 3] float32: x, y of the COCO joints in pixels, score; (0, 0, 0)
// where the estimator saw nothing.
std::vector<float> PoseClipKeypoints(const PoseClipParameters& parameters,
                                     const PoseClipOptions& options);

}  // namespace slimreel

#endif  // DATA_DEMO_POSE_CLIP_H_
