#include "trainer/prediction/clip_frames.h"

#include <algorithm>
#include <vector>

#include "gtest/gtest.h"

namespace slimreel {
namespace {

using Numbers = std::vector<int64_t>;

TEST(ClipFramesTest, AClipHasTheChannelsBeforeTheFramesInTheOrderThatIsAsked) {
  ClipFrames frames(/*height=*/1, /*width=*/2);
  for (const int64_t number : {4, 5, 6}) {
    uint8_t* const planes = frames.Add(number);
    for (int i = 0; i < 6; ++i) planes[i] = static_cast<uint8_t>(10 * number + i);
  }
  frames.DropBefore(5);
  EXPECT_EQ(frames.size(), 2);
  const at::Tensor clip = frames.Clip({6, 5, 6});
  EXPECT_EQ(clip.sizes(), (std::vector<int64_t>{1, 3, 3, 1, 2}));
  const std::vector<int> expected = {60, 61, 50, 51, 60, 61,  // channel 0
                                     62, 63, 52, 53, 62, 63,  // channel 1
                                     64, 65, 54, 55, 64, 65};
  const auto* const data = clip.const_data_ptr<uint8_t>();
  EXPECT_TRUE(std::equal(expected.begin(), expected.end(), data));
}

TEST(NeededFramesTest, AFrameIsNeededUntilItsLastClipIsDone) {
  NeededFrames needed;
  needed.AddClip({0, 2, 2, 4});
  needed.AddClip({4, 6});
  EXPECT_TRUE(needed.Contains(2));
  EXPECT_FALSE(needed.Contains(3));
  EXPECT_EQ(needed.RemoveClip({0, 2, 2, 4}), (Numbers{0, 2}));
  EXPECT_TRUE(needed.Contains(4));
  EXPECT_EQ(needed.RemoveClip({4, 6}), (Numbers{4, 6}));
  EXPECT_FALSE(needed.Contains(4));
}

}  // namespace
}  // namespace slimreel
