// Which frames of a sample make a clip. Pure functions.
//
// A clip of `num_frames` frames, `interval` apart, spans (num_frames - 1) *
// interval + 1 frames. Where the sample is shorter, the clip starts at frame 0
// and goes round: frame (t * interval) mod available, as mmaction2's SampleFrames
// does (out_of_bound_opt='loop', its default).
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

// Training: the start is uniform over all that fit; `bits` decides.
// `available` >= 1. Returns num_frames indices in [0, available).
std::vector<int64_t> RandomClip(const ClipShape& shape, int64_t available, uint64_t bits);

// Evaluation: clip `number` of `num_clips`. The starts that fit are divided into
// num_clips equal parts; a clip starts in the middle of its part (mmaction2's
// SampleFrames._get_test_clips).
std::vector<int64_t> UniformClip(const ClipShape& shape, int64_t available, int64_t number,
                                 int64_t num_clips);

// One frame of each of `num_frames` parts that tile the whole sample, as mmaction2's
// UniformSampleFrames: for samples whose whole course matters, and for streams of
// different rates (each is sampled over the same span). `available` >= 1. Three cases:
//   available < num_frames              consecutive frames, going round
//   available < 2 * num_frames          all frames but an evenly likely choice of gaps
//   else                                a frame of each part, evenly likely in it
// Training: `key` decides. Returns num_frames indices in [0, available).
std::vector<int64_t> RandomSegments(int64_t num_frames, int64_t available, uint64_t key);

// Evaluation: clip `number` of `num_clips`, the same in every run and for every
// sample of this length. Short samples start at number * available / num_clips.
std::vector<int64_t> FixedSegments(int64_t num_frames, int64_t available, int64_t number,
                                   int64_t num_clips);

}  // namespace slimreel

#endif  // DATA_LOADING_CLIP_SAMPLER_H_
