#include "data/chunking/chunker.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

#include "base/test_files.h"

namespace slimreel {
namespace {

constexpr int64_t kFrameBytes = 5;

// The chunks that were cut. Frame n consists of kFrameBytes bytes of value n.
struct Cut {
  std::vector<std::vector<int>> numbers;  // of the frames of each chunk
  std::vector<bool> last;
  std::vector<int64_t> left_out;
  int64_t kept_frames = 0;
  int64_t chunks = 0;
};

// Offers frames 0 to `frames` - 1 and drops every `drop`-th one (0: drops none).
Cut CutFrames(const ChunkerOptions& options, int frames, int drop = 0,
              int64_t frame_bytes = kFrameBytes) {
  Cut cut;
  Chunker chunker(options, frame_bytes, [&cut, frame_bytes](Chunk chunk) {
    EXPECT_EQ(chunk.number, static_cast<int64_t>(cut.numbers.size()));
    cut.last.push_back(chunk.last);
    cut.left_out.push_back(chunk.left_out_frames);
    cut.numbers.emplace_back();
    for (size_t i = 0; i < chunk.frames.size(); ++i) {
      const int number = static_cast<int>(chunk.frames[i].info.number);
      cut.numbers.back().push_back(number);
      for (int64_t j = 0; j < frame_bytes; ++j) {
        EXPECT_EQ(chunk.rgb.data()[static_cast<int64_t>(i) * frame_bytes + j], number);
      }
    }
    return absl::OkStatus();
  });
  for (int number = 0; number < frames; ++number) {
    const auto slot = chunker.Slot();
    EXPECT_TRUE(slot.ok()) << slot.status();
    if (frame_bytes > 0) std::memset(*slot, number, static_cast<size_t>(frame_bytes));
    if (drop > 0 && number % drop == 0) continue;
    KeptFrame frame;
    frame.info.number = number;
    EXPECT_TRUE(chunker.Keep(frame).ok());
  }
  EXPECT_TRUE(chunker.Finish().ok());
  cut.kept_frames = chunker.kept_frames();
  cut.chunks = chunker.chunks();
  return cut;
}

using Numbers = std::vector<std::vector<int>>;

ChunkerOptions Options(int64_t max_frames, int64_t overlap, int64_t min_frames = 1) {
  ChunkerOptions options;
  options.rule = {.max_frames = max_frames, .overlap = overlap, .min_frames = min_frames};
  return options;
}

TEST(ChunkerTest, AShortLastChunkIsKeptAndMarkedAsLast) {
  const Cut cut = CutFrames(Options(3, 0), 7);
  EXPECT_EQ(cut.numbers, (Numbers{{0, 1, 2}, {3, 4, 5}, {6}}));
  EXPECT_EQ(cut.last, (std::vector<bool>{false, false, true}));
  EXPECT_EQ(cut.kept_frames, 7);
  EXPECT_EQ(cut.chunks, 3);
}

TEST(ChunkerTest, NoEmptyChunkFollowsAFullLastChunk) {
  const Cut cut = CutFrames(Options(3, 0), 6);
  EXPECT_EQ(cut.numbers, (Numbers{{0, 1, 2}, {3, 4, 5}}));
  EXPECT_EQ(cut.last, (std::vector<bool>{false, true}));
}

TEST(ChunkerTest, NeighboursShareTheOverlapAndItsFramesCountOnce) {
  const Cut cut = CutFrames(Options(4, 3), 6);
  EXPECT_EQ(cut.numbers, (Numbers{{0, 1, 2, 3}, {1, 2, 3, 4}, {2, 3, 4, 5}}));
  EXPECT_EQ(cut.kept_frames, 6);
  // The overlap without a new frame makes no chunk.
  EXPECT_EQ(CutFrames(Options(4, 2), 4).numbers, (Numbers{{0, 1, 2, 3}}));
}

TEST(ChunkerTest, ATooShortRestIsLeftOutAndTheChunkBeforeItIsTheLast) {
  const Cut cut = CutFrames(Options(3, 0, 2), 7);
  EXPECT_EQ(cut.numbers, (Numbers{{0, 1, 2}, {3, 4, 5}}));
  EXPECT_EQ(cut.last, (std::vector<bool>{false, true}));
  EXPECT_EQ(cut.left_out, (std::vector<int64_t>{0, 1}));
  EXPECT_EQ(cut.kept_frames, 6);
  EXPECT_EQ(CutFrames(Options(3, 0, 2), 8).numbers, (Numbers{{0, 1, 2}, {3, 4, 5}, {6, 7}}));
  // min_frames == max_frames.
  EXPECT_EQ(CutFrames(Options(3, 0, 3), 8).numbers, (Numbers{{0, 1, 2}, {3, 4, 5}}));
  EXPECT_EQ(CutFrames(Options(3, 0, 3), 9).chunks, 3);
}

TEST(ChunkerTest, TheOnlyChunkIsKeptEvenIfItIsShort) {
  EXPECT_EQ(CutFrames(Options(30, 0, 16), 5).numbers, (Numbers{{0, 1, 2, 3, 4}}));
}

TEST(ChunkerTest, TheOverlapCountsForTheRestButNotAsLeftOut) {
  const Cut cut = CutFrames(Options(4, 2, 4), 7);  // {4, 5, 6}: three frames, one of them new
  EXPECT_EQ(cut.numbers, (Numbers{{0, 1, 2, 3}, {2, 3, 4, 5}}));
  EXPECT_EQ(cut.left_out, (std::vector<int64_t>{0, 1}));
  EXPECT_EQ(cut.kept_frames, 6);
  EXPECT_EQ(CutFrames(Options(4, 2, 3), 7).numbers.back(), (std::vector<int>{4, 5, 6}));
}

TEST(ChunkerTest, DroppedFramesLeaveNoGap) {
  EXPECT_EQ(CutFrames(Options(3, 1), 9, 3).numbers, (Numbers{{1, 2, 4}, {4, 5, 7}, {7, 8}}));
}

TEST(ChunkerTest, WithoutFramesThereIsNoChunk) {
  EXPECT_EQ(CutFrames(Options(3, 0), 0).chunks, 0);
  EXPECT_EQ(CutFrames(Options(3, 0), 4, 1).chunks, 0);
}

TEST(ChunkerTest, FramesWithoutPixelsGiveTheSameChunks) {
  EXPECT_EQ(CutFrames(Options(4, 1), 6, 0, 0).numbers, CutFrames(Options(4, 1), 6).numbers);
}

TEST(ChunkerTest, ChunksInFilesAreTheSame) {
  ChunkerOptions options = Options(4, 2);
  options.memory_bytes = 2 * kFrameBytes;
  options.spill_folder = TestFolder("spill");
  EXPECT_EQ(CutFrames(options, 9).numbers, CutFrames(Options(4, 2), 9).numbers);
}

TEST(ChunkerTest, AnErrorOfTheSinkIsReturned) {
  Chunker chunker(Options(1, 0), 0, [](Chunk) { return absl::CancelledError("closed"); });
  ASSERT_TRUE(chunker.Keep({}).ok());
  EXPECT_EQ(chunker.Keep({}).code(), absl::StatusCode::kCancelled);
}

}  // namespace
}  // namespace slimreel
