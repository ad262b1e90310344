#include "data/loading/clip_sampler.h"

#include <gtest/gtest.h>

#include <set>

#include "data/loading/counter_random.h"

namespace slimreel {
namespace {

using Frames = std::vector<int64_t>;

TEST(ClipSamplerTest, RandomClipStaysInsideAndReachesBothEnds) {
  const ClipShape shape{4, 3};  // spans 10 frames
  std::set<int64_t> starts;
  for (uint64_t draw = 0; draw < 500; ++draw) {
    const Frames frames = RandomClip(shape, 13, CounterBits({draw}));
    ASSERT_EQ(frames.size(), 4u);
    for (int t = 0; t < 4; ++t) EXPECT_EQ(frames[t], frames[0] + 3 * t);
    starts.insert(frames[0]);
  }
  EXPECT_EQ(starts, (std::set<int64_t>{0, 1, 2, 3}));
}

TEST(ClipSamplerTest, ExactFitHasOneStart) {
  EXPECT_EQ(RandomClip({3, 2}, 5, ~uint64_t{0}), (Frames{0, 2, 4}));
  EXPECT_EQ(UniformClip({3, 2}, 5, 0, 1), (Frames{0, 2, 4}));
}

TEST(ClipSamplerTest, ShortSampleGoesRound) {
  EXPECT_EQ(RandomClip({5, 2}, 4, 12345), (Frames{0, 2, 0, 2, 0}));
  EXPECT_EQ(RandomClip({5, 1}, 3, 12345), (Frames{0, 1, 2, 0, 1}));
  EXPECT_EQ(UniformClip({3, 1}, 1, 2, 4), (Frames{0, 0, 0}));
}

// mmaction2's _get_test_clips on 32 frames, clip_len 8, frame_interval 2 (span
// 15, 18 starts): np.arange(n) * 18 / n + 18 / n / 2, truncated.
TEST(ClipSamplerTest, UniformClipsStartWhereMmaction2Does) {
  const ClipShape shape{8, 2};
  EXPECT_EQ(UniformClip(shape, 32, 0, 1)[0], 9);
  EXPECT_EQ(UniformClip(shape, 32, 0, 3)[0], 3);
  EXPECT_EQ(UniformClip(shape, 32, 1, 3)[0], 9);
  EXPECT_EQ(UniformClip(shape, 32, 2, 3)[0], 15);
  EXPECT_EQ(UniformClip(shape, 32, 2, 3)[7], 29);
}

TEST(ClipSamplerTest, UniformClipsNeverPassTheEnd) {
  for (int64_t available = 1; available < 40; ++available) {
    for (int64_t number = 0; number < 5; ++number) {
      for (const int64_t frame : UniformClip({6, 3}, available, number, 5)) {
        ASSERT_GE(frame, 0);
        ASSERT_LT(frame, available);
      }
    }
  }
}

}  // namespace
}  // namespace slimreel
