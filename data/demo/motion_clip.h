// Draws clips whose class is the motion of one textured object: the material
// of the demo set. Pure functions over pixels: no files, no codecs, no threads.
//
// Nothing in a single frame tells the class. See Note [One frame tells nothing].
// Callers: demo_set, tests that need labelled frames.
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

// How one object and its background look and move. Lengths in pixels, angles
// in radians (growing = clockwise on the screen), time in frames.
struct MotionClipParameters {
  double x = 0, y = 0;  // centre at frame 0; the plane is a torus
  double velocity_x = 0, velocity_y = 0;
  double angle = 0, angular_velocity = 0;
  double size_phase = 0;  // in [0, 1): log-uniform between the smallest and the largest object
  double growth = 0;      // phase per frame; past 1 the object starts small again
  bool disc = false;      // else a square
  double background_x = 0, background_y = 0;
  double background_velocity_x = 0, background_velocity_y = 0;
  uint64_t texture_seed = 0;  // of both textures and their colours
};

// A function of (motion, seed) alone.
MotionClipParameters DrawMotionClipParameters(Motion motion, uint64_t seed,
                                              const MotionClipOptions& options);

// num_frames x height x width x 3 bytes, RGB.
std::vector<uint8_t> RenderMotionClip(const MotionClipParameters& parameters,
                                      const MotionClipOptions& options);

}  // namespace slimreel

#endif  // DATA_DEMO_MOTION_CLIP_H_
