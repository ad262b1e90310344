// Draws the clips of the demo set. Their class is the motion of one textured object.
//
// A single frame does not reveal the class. See Note [One frame does not reveal the class].
// Threading: pure functions over pixels; no files, no codecs.
#ifndef DATA_DEMO_MOTION_CLIP_H_
#define DATA_DEMO_MOTION_CLIP_H_

#include <cstdint>
#include <vector>

#include "absl/strings/string_view.h"

namespace slimreel {

enum class Motion { kClockwise, kDown, kGrow, kLeft, kRight, kUp };

// In the order of the enum, which is the order of the sorted class names.
inline constexpr Motion kMotions[] = {Motion::kClockwise, Motion::kDown,  Motion::kGrow,
                                      Motion::kLeft,      Motion::kRight, Motion::kUp};

absl::string_view MotionName(Motion motion);  // "clockwise", ...

struct MotionClipOptions {
  int width = 80;  // pixels
  int height = 72;
  int num_frames = 24;
};

// How the object and its background look and move. Lengths are in pixels, angles in radians
// (increasing: clockwise on the screen), times in frames.
struct MotionClipParameters {
  double x = 0, y = 0;  // centre at frame 0; the plane wraps at its edges
  double velocity_x = 0, velocity_y = 0;
  double angle = 0, angular_velocity = 0;
  double size_phase = 0;  // in [0, 1): log-uniform between the smallest and the largest object
  double growth = 0;      // phase per frame; past 1 the object starts small again
  bool disc = false;      // true: a disc; false: a square
  double background_x = 0, background_y = 0;
  double background_velocity_x = 0, background_velocity_y = 0;
  uint64_t texture_seed = 0;  // for both textures and their colours
};

// Depends only on its arguments.
MotionClipParameters DrawMotionClipParameters(Motion motion, uint64_t seed,
                                              const MotionClipOptions& options);

// Returns [num_frames, height, width, 3] uint8, RGB.
std::vector<uint8_t> RenderMotionClip(const MotionClipParameters& parameters,
                                      const MotionClipOptions& options);

}  // namespace slimreel

#endif  // DATA_DEMO_MOTION_CLIP_H_
