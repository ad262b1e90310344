// The keypoints of one chunk, in pixels of the stored frames. Pure.
#ifndef DATA_CHUNKING_CHUNK_KEYPOINTS_H_
#define DATA_CHUNKING_CHUNK_KEYPOINTS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "data/annotations/keypoint_file.h"
#include "data/decode/frame_size.h"

namespace slimreel {

// A frame of the video, and the size of the image that its keypoints are measured in.
struct KeypointFrame {
  int64_t number = 0;  // in the video, from 0
  FrameSize upright;   // size of this frame, after rotation; it may change within a video
};

// The bytes of <key>.kpts.npy: [persons, frames.size(), joints, 3] float32, the keypoints of
// `frames`. Coordinates are scaled from each frame's size to `stored`; 0 (missing) stays 0.
std::string ChunkKeypoints(const KeypointTrack& track, const std::vector<KeypointFrame>& frames,
                           FrameSize stored);

}  // namespace slimreel

#endif  // DATA_CHUNKING_CHUNK_KEYPOINTS_H_
