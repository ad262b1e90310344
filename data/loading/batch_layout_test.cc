#include "data/loading/batch_layout.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <utility>
#include <vector>

namespace slimreel {
namespace {

LoaderOptions EverythingOptions() {
  LoaderOptions options;
  options.num_frames = 3;
  options.height = 5;
  options.width = 7;
  options.keypoints = {.persons = 2, .frames = 4, .joints = 17, .heatmap_size = 56};
  options.log_mel = {.mels = 80, .frames = 11};
  options.tokens = {.length = 9, .vocabulary = 100};
  return options;
}

TEST(BatchLayoutTest, ASampleTakesTheBytesOfItsTensors) {
  const SampleBytes bytes = SampleBytesOf(EverythingOptions());
  EXPECT_EQ(bytes.clip, 3 * 3 * 5 * 7);            // [3, 3, 5, 7] uint8
  EXPECT_EQ(bytes.keypoints, 2 * 4 * 17 * 3 * 4);  // [2, 4, 17, 3] float32
  EXPECT_EQ(bytes.log_mel, 80 * 11 * 4);           // [80, 11] float32
  EXPECT_EQ(bytes.tokens, 9 * 8);                  // [9] int64
}

TEST(BatchLayoutTest, UnreadInputsTakeNoBytes) {
  LoaderOptions options;
  options.frames = false;
  const SampleBytes bytes = SampleBytesOf(options);
  EXPECT_EQ(bytes.clip + bytes.keypoints + bytes.log_mel + bytes.tokens, 0);
  EXPECT_EQ(BatchLayoutOf(options, 8).bytes, 0);
  options.frames = true;
  EXPECT_EQ(BatchLayoutOf(options, 8).bytes, int64_t{8} * 3 * 16 * 112 * 112);
}

// Absent inputs add no padding before or after the clips.
TEST(BatchLayoutTest, ABatchOfOnlyClipsHasNoPadding) {
  LoaderOptions options = EverythingOptions();
  options.keypoints.persons = 0;
  options.log_mel.mels = 0;
  options.tokens.length = 0;
  EXPECT_EQ(BatchLayoutOf(options, 3).bytes, 3 * 315);
}

TEST(BatchLayoutTest, InputsAreAlignedAndDoNotOverlap) {
  const LoaderOptions options = EverythingOptions();
  const SampleBytes sample = SampleBytesOf(options);
  for (int64_t samples = 1; samples <= 9; ++samples) {
    const BatchLayout layout = BatchLayoutOf(options, samples);
    std::vector<std::pair<int64_t, int64_t>> ranges = {
        {layout.clips, samples * sample.clip},
        {layout.keypoints, samples * sample.keypoints},
        {layout.log_mel, samples * sample.log_mel},
        {layout.tokens, samples * sample.tokens}};
    std::sort(ranges.begin(), ranges.end());
    int64_t end = 0;
    for (const auto& [offset, bytes] : ranges) {
      EXPECT_EQ(offset % 64, 0);
      EXPECT_GE(offset, end);
      EXPECT_LT(offset, end + 64);
      end = offset + bytes;
    }
    EXPECT_EQ(layout.bytes, end);
  }
}

}  // namespace
}  // namespace slimreel
