#include "data/chunking/chunk_buffer.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <iterator>
#include <utility>
#include <vector>

#include "base/test_files.h"

namespace slimreel {
namespace {

ptrdiff_t OpenDescriptors() {
  return std::distance(std::filesystem::directory_iterator("/proc/self/fd"),
                       std::filesystem::directory_iterator());
}

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

TEST(ChunkBufferTest, MoveToFileMovesABufferOfAnySize) {
  ChunkBuffer buffer(1 << 16, TestFolder("spill"));
  ASSERT_TRUE(buffer.MoveToFile().ok());  // nothing to move
  ASSERT_TRUE(buffer.Reserve(1000).ok());
  for (int i = 0; i < 1000; ++i) buffer.data()[i] = uint8_t(i);
  ASSERT_TRUE(buffer.MoveToFile().ok());
  EXPECT_TRUE(buffer.spilled());
  for (int i = 0; i < 1000; ++i) ASSERT_EQ(buffer.data()[i], uint8_t(i));
}

// So the number of waiting chunks does not depend on `ulimit -n`.
TEST(ChunkBufferTest, SealedBuffersHoldNoDescriptorAndKeepTheirContents) {
  const std::string folder = TestFolder("spill");
  const ptrdiff_t before = OpenDescriptors();
  std::vector<ChunkBuffer> buffers;
  for (int i = 0; i < 20; ++i) {
    ChunkBuffer buffer(4096, folder);
    ASSERT_TRUE(buffer.Reserve(100000).ok());
    buffer.data()[99999] = uint8_t(i);
    EXPECT_EQ(OpenDescriptors(), before + 1) << "one while it may grow";
    buffer.Seal();
    buffers.push_back(std::move(buffer));
  }
  EXPECT_EQ(OpenDescriptors(), before);
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(buffers[i].data()[99999], uint8_t(i));
    EXPECT_TRUE(buffers[i].spilled());
    EXPECT_EQ(buffers[i].memory_in_use(), 0);
    EXPECT_GE(buffers[i].disk_in_use(), 100000);
  }
  EXPECT_TRUE(std::filesystem::is_empty(folder)) << "the file has no name";
}

TEST(ChunkBufferTest, BytesCountEitherInMemoryOrOnTheDisk) {
  ChunkBuffer buffer(1 << 16, TestFolder("spill"));
  EXPECT_EQ(buffer.memory_in_use() + buffer.disk_in_use(), 0);
  ASSERT_TRUE(buffer.Reserve(1000).ok());
  EXPECT_GE(buffer.memory_in_use(), 1000);
  EXPECT_EQ(buffer.disk_in_use(), 0);
  const ptrdiff_t before = OpenDescriptors();
  ASSERT_TRUE(buffer.MoveToFile().ok());
  EXPECT_EQ(OpenDescriptors(), before) << "it is sealed";
  EXPECT_EQ(buffer.memory_in_use(), 0);
  EXPECT_GE(buffer.disk_in_use(), 1000);
}

TEST(ChunkBufferTest, AnUnwritableFolderIsAnError) {
  ChunkBuffer buffer(4096, "/proc/none");
  EXPECT_EQ(buffer.Reserve(100000).code(), absl::StatusCode::kResourceExhausted);
}

}  // namespace
}  // namespace slimreel
