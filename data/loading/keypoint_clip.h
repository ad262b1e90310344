// The keypoints of a clip: from stored pixels to heatmap pixels. Pure functions.
//
// A joint of which a coordinate is 0, or anything no number, is missing: it comes out as
// (0, 0, 0) and takes no part in any box.
// Who calls it: shard_source.
#ifndef DATA_LOADING_KEYPOINT_CLIP_H_
#define DATA_LOADING_KEYPOINT_CLIP_H_

#include <cstdint>
#include <vector>

#include "data/loading/crop.h"
#include "data/loading/loader_options.h"
#include "data/shard/shard_types.h"

namespace slimreel {

// A part of the plane in stored pixels, which the heatmaps show; may pass the frame's edges.
struct PoseWindow {
  double left = 0;
  double top = 0;
  double width = 0;
  double height = 0;
};

// The window that a crop of the frames shows, before its flip.
PoseWindow WindowOfCrop(FrameSize stored, const Crop& crop);

// The square around all joints of `frames`, a quarter larger than the longer side of their
// box, cut to whole pixels; the whole frame where the box is under 10 pixels wide or high
// (mmaction2's PoseCompact with padding 0.25, threshold 10, hw_ratio 1, allow_imgpad).
PoseWindow CompactWindow(const KeypointsView& view, const std::vector<int64_t>& frames,
                         FrameSize stored);

// A place in `window` of 7/8 its sides, evenly likely; the bits decide. (Frames are stored
// 8/7 as large as the crop by default, so this is what a random crop of them sees.)
PoseWindow RandomSubWindow(const PoseWindow& window, uint64_t top_bits, uint64_t left_bits);

// Writes [shape.persons, frames.size(), shape.joints, 3] to `out`: the first persons of the
// view (zeros for the rest), `window` scaled to heatmap_size x heatmap_size, mirrored last
// (x -> heatmap_size - x, left and right COCO joints exchanged, as mmaction2's Flip).
// view.joints == shape.joints; frames in [0, view.frames).
void CopyKeypoints(const KeypointsView& view, const std::vector<int64_t>& frames,
                   const PoseWindow& window, bool flip, const KeypointInput& shape, float* out);

}  // namespace slimreel

#endif  // DATA_LOADING_KEYPOINT_CLIP_H_
