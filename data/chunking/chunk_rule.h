// Decides where a video is cut into chunks. Preparation and prediction share this rule, so that a
// model sees the same chunks in both. Pure.
#ifndef DATA_CHUNKING_CHUNK_RULE_H_
#define DATA_CHUNKING_CHUNK_RULE_H_

#include <cstdint>

namespace slimreel {

struct ChunkRule {
  int64_t max_frames = 500;  // of a chunk; >= 1
  int64_t overlap = 0;       // frames that neighbouring chunks share; 0..max_frames - 1
  // A last chunk with fewer frames (overlap included) is left out, unless it is the only chunk.
  // 1..max_frames.
  int64_t min_frames = 1;

  // True if a chunk with this many frames takes no more. Cut it only when the next frame comes:
  // before that, it may be the last chunk.
  bool IsFull(int64_t frames) const { return frames == max_frames; }
  // True if the frames after the last full chunk become a chunk of their own. `rest` is their
  // number with the overlap, `chunks_before` the number of full chunks.
  bool KeepsRest(int64_t rest, int64_t chunks_before) const {
    return rest > 0 && (chunks_before == 0 || rest >= min_frames);
  }
};

}  // namespace slimreel

#endif  // DATA_CHUNKING_CHUNK_RULE_H_
