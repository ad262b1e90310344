#include "data/pipeline/chunk_buffer.h"

#include <gtest/gtest.h>

#include "base/test_files.h"

namespace slimreel {
namespace {

TEST(ChunkBufferTest, ContentsSurviveGrowthAndTheMoveToAFile) {
  ChunkBuffer buffer(1 << 16, TestFolder("spill"));
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

TEST(ChunkBufferTest, ABufferThatWaitsGoesToAFileWhateverItsSize) {
  ChunkBuffer buffer(1 << 16, TestFolder("spill"));
  ASSERT_TRUE(buffer.MoveToFile().ok());  // nothing to move
  ASSERT_TRUE(buffer.Reserve(1000).ok());
  for (int i = 0; i < 1000; ++i) buffer.data()[i] = uint8_t(i);
  ASSERT_TRUE(buffer.MoveToFile().ok());
  EXPECT_TRUE(buffer.spilled());
  for (int i = 0; i < 1000; ++i) ASSERT_EQ(buffer.data()[i], uint8_t(i));
}

TEST(ChunkBufferTest, AFolderThatCannotBeWrittenIsAnError) {
  ChunkBuffer buffer(4096, "/proc/none");
  EXPECT_EQ(buffer.Reserve(100000).code(), absl::StatusCode::kResourceExhausted);
}

}  // namespace
}  // namespace slimreel
