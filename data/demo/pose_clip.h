// Draws clips of a cloaked figure whose limbs move. The frames show only the figure's colour, and
// the keypoints show only its motion. See Note [Neither stream is enough] in pose_clip.cc.
//
// Threading: pure functions; no files, no codecs.
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
  int width = 96;  // pixels; the smallest size is 96 x 80
  int height = 80;
  int num_frames = 40;
};

// Lengths are in pixels, angles in radians, times in frames.
struct PoseClipParameters {
  CloakColor color = CloakColor::kBlue;   // only the frames depend on it
  LimbMotion motion = LimbMotion::kArms;  // only the keypoints depend on it
  double start_x = 0, start_y = 0;        // of the middle of the hips; it moves on a straight line
  double end_x = 0, end_y = 0;
  double figure_height = 0;
  double frequency = 0, phase = 0;  // of the moving limbs; radians per frame
  double arm_angle = 0;             // at rest: 0 hangs down, larger angles go to the side
  double leg_angle = 0;
  double lean = 0;
  double background_x = 0, background_y = 0;
  double background_velocity_x = 0, background_velocity_y = 0;
  uint64_t texture_seed = 0;
  uint64_t noise_seed = 0;  // for the errors of the pose estimator
};

// Except for color and motion, the result depends only on `seed` and `options`.
PoseClipParameters DrawPoseClipParameters(CloakColor color, LimbMotion motion, uint64_t seed,
                                          const PoseClipOptions& options);

// Returns [num_frames, height, width, 3] uint8, RGB.
std::vector<uint8_t> RenderPoseClip(const PoseClipParameters& parameters,
                                    const PoseClipOptions& options);

// Returns [1, num_frames, 17, 3] float32: x and y of the COCO joints in pixels, and the score. A
// joint that the estimator missed is (0, 0, 0).
std::vector<float> PoseClipKeypoints(const PoseClipParameters& parameters,
                                     const PoseClipOptions& options);

}  // namespace slimreel

#endif  // DATA_DEMO_POSE_CLIP_H_
