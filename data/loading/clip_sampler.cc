#include "data/loading/clip_sampler.h"

#include <algorithm>

#include "data/loading/counter_random.h"

namespace slimreel {
namespace {

// How many starts fit; 1 (frame 0) where the sample is too short.
int64_t NumStarts(const ClipShape& shape, int64_t available) {
  return std::max<int64_t>(1, available - shape.span() + 1);
}

std::vector<int64_t> ClipFrom(const ClipShape& shape, int64_t available, int64_t start) {
  std::vector<int64_t> frames(shape.num_frames);
  for (int64_t t = 0; t < shape.num_frames; ++t) {
    frames[t] = (start + t * shape.interval) % available;
  }
  return frames;
}

}  // namespace

std::vector<int64_t> RandomClip(const ClipShape& shape, int64_t available, uint64_t bits) {
  return ClipFrom(shape, available, BelowBound(bits, NumStarts(shape, available)));
}

std::vector<int64_t> UniformClip(const ClipShape& shape, int64_t available, int64_t number,
                                 int64_t num_clips) {
  const int64_t starts = NumStarts(shape, available);
  return ClipFrom(shape, available, (2 * number + 1) * starts / (2 * num_clips));
}

}  // namespace slimreel
