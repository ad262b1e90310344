// Chooses the frames of a clip. Pure functions.
//
// A clip of `num_frames` frames, `interval` apart, spans (num_frames - 1) *
// interval + 1 frames. If the sample is shorter, the clip starts at frame 0 and
// wraps around: its frame t is (t * interval) mod available, as in mmaction2's
// SampleFrames (out_of_bound_opt='loop', its default).
#ifndef DATA_LOADING_CLIP_SAMPLER_H_
#define DATA_LOADING_CLIP_SAMPLER_H_

#include <cstdint>
#include <vector>

namespace slimreel {

struct ClipShape {
  int64_t num_frames = 16;
  int64_t interval = 2;
  int64_t span() const { return (num_frames - 1) * interval + 1; }
};

// Training: draws the start uniformly from all starts that fit, by `bits`.
// `available` >= 1. Returns num_frames indices in [0, available).
std::vector<int64_t> RandomClip(const ClipShape& shape, int64_t available, uint64_t bits);

// Evaluation: clip `number` of `num_clips`. The starts that fit are divided into
// num_clips equal ranges, and each clip starts in the middle of its range (mmaction2's
// SampleFrames._get_test_clips).
std::vector<int64_t> UniformClip(const ClipShape& shape, int64_t available, int64_t number,
                                 int64_t num_clips);

// Divides the whole sample into `num_frames` segments and takes one frame of each, as
// mmaction2's UniformSampleFrames. Streams of different rates then cover the same span.
// `available` >= 1. Three cases:
//   available < num_frames              consecutive frames from a random start, wrapping around
//   available < 2 * num_frames          leaves out available - num_frames frames, at places
//                                       between the kept ones that are all equally likely
//   else                                a uniformly drawn frame of each segment
// Training: `key` decides. Returns num_frames indices in [0, available).
std::vector<int64_t> RandomSegments(int64_t num_frames, int64_t available, uint64_t key);

// Evaluation: clip `number` of `num_clips`. It is the same in every run and for every
// sample of this length. If available < num_frames, the clip starts at
// number * available / num_clips (at `number` if available < num_clips).
std::vector<int64_t> FixedSegments(int64_t num_frames, int64_t available, int64_t number,
                                   int64_t num_clips);

}  // namespace slimreel

#endif  // DATA_LOADING_CLIP_SAMPLER_H_
