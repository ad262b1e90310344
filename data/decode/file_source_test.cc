#include "data/decode/file_source.h"

#include <gtest/gtest.h>

#include <string>

#include "base/test_files.h"
#include "data/decode/media_error.h"

namespace slimreel {
namespace {

std::string Take(FileSource* source, int count) {
  std::string text(static_cast<size_t>(count), '\0');
  const int got = avio_read(source->io(), reinterpret_cast<unsigned char*>(text.data()), count);
  text.resize(static_cast<size_t>(std::max(got, 0)));
  return text;
}

TEST(FileSourceTest, BytesAreReadAtAnyOffset) {
  const std::string path = TestFolder("source") + "/file";
  std::string bytes;
  for (int i = 0; i < 300000; ++i) bytes.push_back(static_cast<char>(i % 251));
  WriteTestFile(path, bytes);
  const auto source = FileSource::Open(path, nullptr);
  ASSERT_TRUE(source.ok()) << source.status();
  EXPECT_EQ((*source)->bytes(), 300000);
  EXPECT_EQ(avio_size((*source)->io()), 300000);
  EXPECT_EQ(Take(source->get(), 100), bytes.substr(0, 100));
  for (const int64_t at : {250000, 7, 299990}) {
    EXPECT_EQ(avio_seek((*source)->io(), at, SEEK_SET), at);
    EXPECT_EQ(Take(source->get(), 1000), bytes.substr(at, 1000));
  }
  uint8_t four[4];
  EXPECT_EQ((*source)->ReadAt(299998, four, 4), 2u);
  EXPECT_EQ(four[1], static_cast<uint8_t>(bytes.back()));
  EXPECT_TRUE((*source)->status().ok());
}

// This is a regular file, but its first bytes cannot be read.
TEST(FileSourceTest, AnErrorOfReadingIsKept) {
  const auto source = FileSource::Open("/proc/self/mem", nullptr);
  ASSERT_TRUE(source.ok()) << source.status();
  EXPECT_EQ(Take(source->get(), 4), "");
  EXPECT_EQ(ReasonOf((*source)->status()), kReasonIoError) << (*source)->status();
}

TEST(FileSourceTest, AStoppedReaderGetsNoBytes) {
  const std::string path = TestFolder("source") + "/file";
  WriteTestFile(path, "some bytes");
  const auto source = FileSource::Open(path, [] { return true; });
  ASSERT_TRUE(source.ok()) << source.status();
  EXPECT_EQ(Take(source->get(), 4), "");
  EXPECT_TRUE((*source)->status().ok());
}

}  // namespace
}  // namespace slimreel
