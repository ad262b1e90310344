#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

#include "data/pipeline/chunk_buffer.h"
#include "data/pipeline/frame_quality.h"
#include "data/pipeline/ordered_queue.h"
#include "data/pipeline/sample_key.h"

namespace slimreel {
namespace {

TEST(SampleKeyTest, StemsAreSafeUniqueAndIndependentOfTheOrder) {
  const auto stems = KeyStems({"left/a b.mp4", "left/a.b.mp4", "x.mp4", ".mp4"});
  EXPECT_EQ(stems[2], "x");
  EXPECT_EQ(stems[0].find("left__a_b_"), 0u);
  EXPECT_NE(stems[0], stems[1]);
  EXPECT_EQ(stems[3], "_mp4");
  EXPECT_EQ(KeyStems({"left/a.b.mp4", "left/a b.mp4"})[0], stems[1]);
  EXPECT_EQ(SampleKey("x", 12), "x-00012");
}

TEST(ChunkBufferTest, ContentsSurviveGrowthAndTheMoveToAFile) {
  ChunkBuffer buffer(1 << 16, testing::TempDir());
  ASSERT_TRUE(buffer.Reserve(1000).ok());
  for (int i = 0; i < 1000; ++i) buffer.data()[i] = uint8_t(i);
  ASSERT_TRUE(buffer.Reserve(60000).ok());
  EXPECT_FALSE(buffer.spilled());
  ASSERT_TRUE(buffer.Reserve(300000).ok());
  EXPECT_TRUE(buffer.spilled());
  EXPECT_EQ(buffer.memory_in_use(), 0);
  ASSERT_TRUE(buffer.Reserve(900000).ok());
  for (int i = 0; i < 1000; ++i) ASSERT_EQ(buffer.data()[i], uint8_t(i));
}

TEST(ChunkBufferTest, AFolderThatCannotBeWrittenIsAnError) {
  ChunkBuffer buffer(4096, "/proc/none");
  EXPECT_EQ(buffer.Reserve(100000).code(), absl::StatusCode::kResourceExhausted);
}

TEST(FrameQualityTest, BlackAndFlatFramesScoreLowAndTexturedOnesHigh) {
  const FrameSize size{64, 48};
  std::vector<uint8_t> frame(size.rgb_bytes(), 0);
  EXPECT_EQ(MeasureQuality(frame.data(), size).score, 0);
  std::fill(frame.begin(), frame.end(), uint8_t{200});
  EXPECT_EQ(MeasureQuality(frame.data(), size).score, 0);
  for (size_t i = 0; i < frame.size(); ++i) frame[i] = (i / 3) % 2 == 0 ? 40 : 200;
  const FrameQuality quality = MeasureQuality(frame.data(), size);
  EXPECT_NEAR(quality.darkness, 120, 1);
  EXPECT_NEAR(quality.flatness, 80, 1);
  EXPECT_GT(quality.score, 0.9);
}

TEST(OrderedQueueTest, ItemsComeInTheOrderOfTheInputsWhateverTheBound) {
  constexpr int kInputs = 40;
  OrderedQueue<int> queue(kInputs, /*max_bytes=*/3);
  std::vector<std::thread> workers;
  for (int w = 0; w < 4; ++w) {
    workers.emplace_back([&queue] {
      while (const auto input = queue.Claim()) {
        for (int item = 0; item < 5; ++item) queue.Push(*input, item, 2, item == 4);
      }
    });
  }
  for (int expected = 0; expected < kInputs * 5; ++expected) {
    const auto popped = queue.Pop();
    ASSERT_TRUE(popped.has_value());
    EXPECT_EQ(popped->first * 5 + popped->second, expected);
  }
  EXPECT_FALSE(queue.Pop().has_value());
  for (std::thread& worker : workers) worker.join();
}

TEST(OrderedQueueTest, ClosingEndsAllWaiting) {
  OrderedQueue<int> queue(2, 1);
  ASSERT_TRUE(queue.Push(0, 1, 1, false));
  std::thread worker([&queue] { EXPECT_FALSE(queue.Push(1, 1, 1, true)); });
  queue.Close();
  worker.join();
  EXPECT_FALSE(queue.Pop().has_value());
}

}  // namespace
}  // namespace slimreel
