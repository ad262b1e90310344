// Where a video is cut into chunks: one rule for prepare and predict. Pure.
#ifndef DATA_CHUNKING_CHUNK_RULE_H_
#define DATA_CHUNKING_CHUNK_RULE_H_

#include <cstdint>

namespace slimreel {

struct ChunkRule {
  int64_t max_frames = 500;  // of a chunk; >= 1
  int64_t overlap = 0;       // frames that neighbours share; 0..max_frames - 1
  // Of a last chunk behind others, overlap included: a shorter one is left out; 1..max_frames.
  int64_t min_frames = 1;

  // A full chunk ends when its successor begins: only then is it known not to be the last.
  bool IsFull(int64_t frames) const { return frames == max_frames; }
  // Whether the `rest` behind so many full chunks becomes a chunk. The rest includes overlap.
  bool KeepsRest(int64_t rest, int64_t chunks_before) const {
    return rest > 0 && (chunks_before == 0 || rest >= min_frames);
  }
};

}  // namespace slimreel

#endif  // DATA_CHUNKING_CHUNK_RULE_H_
