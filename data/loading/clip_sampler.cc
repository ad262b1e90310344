#include "data/loading/clip_sampler.h"

#include <algorithm>

#include "base/counter_random.h"

namespace slimreel {
namespace {

// Number of starts that fit; 1 (frame 0) if the sample is too short.
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

// mmaction2 seeds numpy's generator with this value before it draws each evaluation clip.
constexpr uint64_t kFixedKey = 255;

// For available in [num_frames, 2 * num_frames). There are num_frames + 1 places before, between
// and after the kept frames. available - num_frames of them skip one frame each; all choices of
// places are equally likely (selection sampling, Knuth, TAOCP 3.4.2, algorithm S).
std::vector<int64_t> WithGaps(int64_t num_frames, int64_t available, uint64_t key) {
  std::vector<int64_t> frames(num_frames);
  int64_t gaps = available - num_frames;
  int64_t passed = 0;
  for (int64_t t = 0; t < num_frames; ++t) {
    const int64_t places = num_frames + 1 - t;
    if (BelowBound(CounterBits({key, static_cast<uint64_t>(t)}), places) < gaps) {
      --gaps;
      ++passed;
    }
    frames[t] = t + passed;
  }
  return frames;
}

std::vector<int64_t> OnePerSegment(int64_t num_frames, int64_t available, uint64_t key) {
  if (available < 2 * num_frames) return WithGaps(num_frames, available, key);
  std::vector<int64_t> frames(num_frames);
  for (int64_t t = 0; t < num_frames; ++t) {
    const int64_t begin = t * available / num_frames;
    const int64_t end = (t + 1) * available / num_frames;
    frames[t] = begin + BelowBound(CounterBits({key, static_cast<uint64_t>(t)}), end - begin);
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

std::vector<int64_t> RandomSegments(int64_t num_frames, int64_t available, uint64_t key) {
  if (available >= num_frames) return OnePerSegment(num_frames, available, key);
  return ClipFrom({num_frames, 1}, available, BelowBound(CounterBits({key}), available));
}

std::vector<int64_t> FixedSegments(int64_t num_frames, int64_t available, int64_t number,
                                   int64_t num_clips) {
  if (available >= num_frames) {
    return OnePerSegment(num_frames, available,
                         CounterBits({kFixedKey, static_cast<uint64_t>(number)}));
  }
  const int64_t start = available < num_clips ? number : number * available / num_clips;
  return ClipFrom({num_frames, 1}, available, start);
}

}  // namespace slimreel
