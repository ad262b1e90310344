#include "data/loading/keypoint_clip.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/counter_random.h"

namespace slimreel {
namespace {

constexpr double kPadding = 0.25;
constexpr double kThreshold = 10.0;     // pixels
constexpr double kSubWindow = 7.0 / 8;  // of a side

bool IsMissing(const float* joint) {
  return joint[0] == 0.0f || joint[1] == 0.0f ||
         !(std::isfinite(joint[0]) && std::isfinite(joint[1]) && std::isfinite(joint[2]));
}

// COCO: joint 0 is the nose; then left (odd) and right (even) joints alternate.
int64_t Mirrored(int64_t joint) {
  if (joint == 0) return 0;
  return joint % 2 == 1 ? joint + 1 : joint - 1;
}

struct Box {
  double left = std::numeric_limits<double>::infinity();
  double top = std::numeric_limits<double>::infinity();
  double right = -std::numeric_limits<double>::infinity();
  double bottom = -std::numeric_limits<double>::infinity();
};

Box BoxAround(const KeypointsView& view, const std::vector<int64_t>& frames) {
  Box box;
  for (int64_t person = 0; person < view.persons; ++person) {
    for (const int64_t frame : frames) {
      for (int64_t v = 0; v < view.joints; ++v) {
        const float* joint = view.joint(person, frame, v);
        if (IsMissing(joint)) continue;
        box.left = std::min<double>(box.left, joint[0]);
        box.right = std::max<double>(box.right, joint[0]);
        box.top = std::min<double>(box.top, joint[1]);
        box.bottom = std::max<double>(box.bottom, joint[1]);
      }
    }
  }
  return box;
}

}  // namespace

PoseWindow WindowOfCrop(FrameSize stored, const Crop& crop) {
  const double x_scale = static_cast<double>(stored.width) / static_cast<double>(crop.scaled.width);
  const double y_scale =
      static_cast<double>(stored.height) / static_cast<double>(crop.scaled.height);
  return {static_cast<double>(crop.left) * x_scale, static_cast<double>(crop.top) * y_scale,
          static_cast<double>(crop.size.width) * x_scale,
          static_cast<double>(crop.size.height) * y_scale};
}

PoseWindow CompactWindow(const KeypointsView& view, const std::vector<int64_t>& frames,
                         FrameSize stored) {
  const Box box = BoxAround(view, frames);
  const double width = box.right - box.left;
  const double height = box.bottom - box.top;
  // The box of no visible joint has sides of -infinity, so it gives the whole frame too.
  if (!(width >= kThreshold && height >= kThreshold)) {
    return {0, 0, static_cast<double>(stored.width), static_cast<double>(stored.height)};
  }
  const double half = std::max(width, height) / 2 * (1 + kPadding);
  const double x = (box.left + box.right) / 2;
  const double y = (box.top + box.bottom) / 2;
  const double left = std::trunc(x - half), right = std::trunc(x + half);
  const double top = std::trunc(y - half), bottom = std::trunc(y + half);
  return {left, top, right - left, bottom - top};
}

PoseWindow RandomSubWindow(const PoseWindow& window, uint64_t top_bits, uint64_t left_bits) {
  const double width = window.width * kSubWindow;
  const double height = window.height * kSubWindow;
  return {window.left + (window.width - width) * UniformDouble(left_bits),
          window.top + (window.height - height) * UniformDouble(top_bits), width, height};
}

void CopyKeypoints(const KeypointsView& view, const std::vector<int64_t>& frames,
                   const PoseWindow& window, bool flip, const KeypointInput& shape, float* out) {
  const double size = static_cast<double>(shape.heatmap_size);
  const int64_t persons = std::min(view.persons, shape.persons);
  for (int64_t person = 0; person < persons; ++person) {
    for (const int64_t frame : frames) {
      for (int64_t v = 0; v < shape.joints; ++v, out += 3) {
        const float* joint = view.joint(person, frame, flip ? Mirrored(v) : v);
        if (IsMissing(joint)) {
          std::fill(out, out + 3, 0.0f);
          continue;
        }
        const double x = (joint[0] - window.left) * size / window.width;
        out[0] = static_cast<float>(flip ? size - x : x);
        out[1] = static_cast<float>((joint[1] - window.top) * size / window.height);
        out[2] = joint[2];
      }
    }
  }
  const int64_t missing = (shape.persons - persons) * static_cast<int64_t>(frames.size());
  std::fill(out, out + missing * shape.joints * 3, 0.0f);
}

}  // namespace slimreel
