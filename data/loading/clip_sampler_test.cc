#include "data/loading/clip_sampler.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <set>

#include "base/counter_random.h"

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

TEST(ClipSamplerTest, ShortSampleWrapsAround) {
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

TEST(ClipSamplerTest, SegmentsOfAShortSampleWrapAroundFromARandomStart) {
  std::set<int64_t> starts;
  for (uint64_t key = 0; key < 100; ++key) {
    const Frames frames = RandomSegments(7, 3, key);
    for (int64_t t = 0; t < 7; ++t) EXPECT_EQ(frames[t], (frames[0] + t) % 3);
    starts.insert(frames[0]);
  }
  EXPECT_EQ(starts, (std::set<int64_t>{0, 1, 2}));
  // mmaction2's _get_test_clips: start i if there are fewer frames than clips, else i * n / clips.
  EXPECT_EQ(FixedSegments(5, 4, 3, 4), (Frames{3, 0, 1, 2, 3}));
  EXPECT_EQ(FixedSegments(5, 4, 1, 2), (Frames{2, 3, 0, 1, 2}));
  EXPECT_EQ(FixedSegments(5, 3, 2, 4), (Frames{2, 0, 1, 2, 0}));
}

// mmaction2 takes arange(L) plus the running sum of a random subset of L + 1 places
// (_get_train_clips): all C(L + 1, n - L) of them, equally likely. Enumerated here.
TEST(ClipSamplerTest, SegmentsWithGapsAreAllSubsetsEquallyOften) {
  constexpr int kFrames = 4, kAvailable = 6, kDraws = 20000;
  std::map<Frames, int> expected;
  for (int subset = 0; subset < 1 << (kFrames + 1); ++subset) {
    if (__builtin_popcount(subset) != kAvailable - kFrames) continue;
    Frames frames;
    int offset = 0;
    for (int t = 0; t < kFrames; ++t) frames.push_back(t + (offset += subset >> t & 1));
    ++expected[frames];
  }
  std::map<Frames, int> seen;
  for (uint64_t key = 0; key < kDraws; ++key) ++seen[RandomSegments(kFrames, kAvailable, key)];
  ASSERT_EQ(seen.size(), expected.size());
  for (const auto& [frames, ways] : expected) {
    const double chance = ways / 10.0;  // of C(5, 2)
    EXPECT_NEAR(seen[frames], chance * kDraws, 5 * std::sqrt(kDraws * chance * (1 - chance)));
  }
  EXPECT_EQ(RandomSegments(4, 4, 9), (Frames{0, 1, 2, 3}));
  for (const int64_t frame : RandomSegments(4, 7, 9)) EXPECT_LT(frame, 7);
}

// mmaction2: segment t is [t * n / L, (t + 1) * n / L), a uniform draw in each.
TEST(ClipSamplerTest, SegmentsOfALongSampleHoldOneFrameEach) {
  constexpr int kFrames = 4, kAvailable = 11, kDraws = 8000;
  const Frames bounds = {0, 2, 5, 8, 11};
  std::vector<std::map<int64_t, int>> seen(kFrames);
  for (uint64_t key = 0; key < kDraws; ++key) {
    const Frames frames = RandomSegments(kFrames, kAvailable, key);
    for (int t = 0; t < kFrames; ++t) ++seen[t][frames[t]];
  }
  for (int t = 0; t < kFrames; ++t) {
    const double size = static_cast<double>(bounds[t + 1] - bounds[t]);
    EXPECT_EQ(seen[t].size(), size);
    for (const auto& [frame, count] : seen[t]) {
      EXPECT_TRUE(frame >= bounds[t] && frame < bounds[t + 1]);
      EXPECT_NEAR(count, kDraws / size, 5 * std::sqrt(kDraws / size));
    }
  }
}

TEST(ClipSamplerTest, FixedSegmentsDependOnlyOnTheClipNumber) {
  EXPECT_EQ(FixedSegments(8, 100, 0, 2), FixedSegments(8, 100, 0, 2));
  EXPECT_NE(FixedSegments(8, 100, 0, 2), FixedSegments(8, 100, 1, 2));
  EXPECT_EQ(FixedSegments(8, 100, 0, 1), FixedSegments(8, 100, 0, 2));
}

}  // namespace
}  // namespace slimreel
