// Converts the keypoints of a clip from stored pixels to heatmap pixels. Pure functions.
//
// A joint is missing if one of its coordinates is 0, or if a coordinate or the score is not
// finite. A missing joint becomes (0, 0, 0), and boxes ignore it.
#ifndef DATA_LOADING_KEYPOINT_CLIP_H_
#define DATA_LOADING_KEYPOINT_CLIP_H_

#include <cstdint>
#include <vector>

#include "data/loading/crop.h"
#include "data/loading/loader_options.h"
#include "data/shard/shard_types.h"

namespace slimreel {

// The rectangle that the heatmaps show, in stored pixels. It may extend past the frame.
struct PoseWindow {
  double left = 0;
  double top = 0;
  double width = 0;
  double height = 0;
};

// The window that a crop of the frames shows, before the flip.
PoseWindow WindowOfCrop(FrameSize stored, const Crop& crop);

// A square around all joints of `frames`. Its side is 1.25 times the longer side of their box;
// its edges are truncated to whole pixels. If the box is less than 10 pixels wide or high, the
// window is the whole frame (mmaction2's PoseCompact with padding 0.25, threshold 10, hw_ratio 1,
// allow_imgpad).
PoseWindow CompactWindow(const KeypointsView& view, const std::vector<int64_t>& frames,
                         FrameSize stored);

// A part of `window` with 7/8 of its sides, at a place drawn uniformly by the bits. (By default
// stored frames are 8/7 as large as the crop, so a random crop of them shows as much.)
PoseWindow RandomSubWindow(const PoseWindow& window, uint64_t top_bits, uint64_t left_bits);

// Writes [shape.persons, frames.size(), shape.joints, 3] float32 to `out`: the first persons of
// the view, and zeros for missing persons. `window` is scaled to heatmap_size x heatmap_size. If
// `flip`, the result is mirrored: x becomes heatmap_size - x, and left and right COCO joints are
// exchanged, as in mmaction2's Flip. Needs view.joints == shape.joints, frames in [0, view.frames).
void CopyKeypoints(const KeypointsView& view, const std::vector<int64_t>& frames,
                   const PoseWindow& window, bool flip, const KeypointInput& shape, float* out);

}  // namespace slimreel

#endif  // DATA_LOADING_KEYPOINT_CLIP_H_
