#include "data/chunking/chunk_rule.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

namespace slimreel {
namespace {

using Ranges = std::vector<std::pair<int64_t, int64_t>>;  // [first, end) frame of each chunk

// Cuts frame by frame, as every user of the rule does.
Ranges CutFrameByFrame(const ChunkRule& rule, int64_t frames) {
  Ranges chunks;
  int64_t first = 0, count = 0;
  for (int64_t frame = 0; frame < frames; ++frame) {
    if (rule.IsFull(count)) {
      chunks.emplace_back(first, frame);
      first = frame - rule.overlap;
      count = rule.overlap;
    }
    ++count;
  }
  if (rule.KeepsRest(count, static_cast<int64_t>(chunks.size()))) {
    chunks.emplace_back(first, frames);
  }
  return chunks;
}

// The closed form: chunk n starts at n * (max_frames - overlap), and there is one for each start
// that has a frame which the chunk before it does not have.
Ranges CutAtOnce(const ChunkRule& rule, int64_t frames) {
  Ranges chunks;
  for (int64_t first = 0; first + rule.overlap < frames || (first == 0 && frames > 0);
       first += rule.max_frames - rule.overlap) {
    const int64_t end = std::min(frames, first + rule.max_frames);
    if (first == 0 || end - first >= rule.min_frames) chunks.emplace_back(first, end);
  }
  return chunks;
}

TEST(ChunkRuleTest, CuttingFrameByFrameGivesTheChunksOfTheClosedForm) {
  for (int64_t max_frames = 1; max_frames <= 6; ++max_frames) {
    for (int64_t overlap = 0; overlap < max_frames; ++overlap) {
      for (int64_t min_frames = 1; min_frames <= max_frames; ++min_frames) {
        const ChunkRule rule{max_frames, overlap, min_frames};
        for (int64_t frames = 0; frames <= 30; ++frames) {
          EXPECT_EQ(CutFrameByFrame(rule, frames), CutAtOnce(rule, frames))
              << max_frames << " " << overlap << " " << min_frames << " " << frames;
        }
      }
    }
  }
}

TEST(ChunkRuleTest, TheOnlyChunkIsKeptHoweverShort) {
  const ChunkRule rule{.max_frames = 10, .overlap = 0, .min_frames = 5};
  EXPECT_TRUE(rule.KeepsRest(1, 0));
  EXPECT_FALSE(rule.KeepsRest(4, 1));
  EXPECT_TRUE(rule.KeepsRest(5, 1));
}

TEST(ChunkRuleTest, NoFramesAreNoChunk) {
  EXPECT_FALSE(ChunkRule().KeepsRest(0, 0));
  EXPECT_FALSE(ChunkRule().KeepsRest(0, 3));
}

}  // namespace
}  // namespace slimreel
