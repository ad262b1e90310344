#include "data/decode/matroska_size.h"

#include <gtest/gtest.h>

#include <string>

#include "base/test_files.h"
#include "data/decode/ffmpeg_program.h"

namespace slimreel {
namespace {

// A clip of one second. If seekable, the writer goes back and stores the length.
std::string Clip(const std::string& name, const std::string& encoding) {
  const std::string path = TestFolder("clip") + "/" + name;
  RunFfmpeg("-f lavfi -i testsrc2=size=64x48:rate=25:duration=1 " + encoding + " " + path);
  return ReadTestFile(path);
}

bool IsTruncated(const std::string& bytes) {
  const auto read = [&bytes](uint64_t at, uint8_t* to, size_t count) {
    return at < bytes.size() ? bytes.copy(reinterpret_cast<char*>(to), count, at) : size_t{0};
  };
  return MatroskaIsTruncated(read, bytes.size());
}

TEST(MatroskaSizeTest, AFileThatLacksPicturesIsTruncated) {
  for (const std::string& whole :
       {Clip("a.mkv", "-c:v libx264"), Clip("a.webm", "-c:v libvpx-vp9")}) {
    const size_t cues = whole.rfind("\x1C\x53\xBB\x6B");  // the index, after all pictures
    ASSERT_NE(cues, std::string::npos);
    EXPECT_FALSE(IsTruncated(whole));
    EXPECT_FALSE(IsTruncated(whole + "something behind it"));
    EXPECT_FALSE(IsTruncated(whole.substr(0, whole.size() - 1))) << "all pictures are there";
    EXPECT_TRUE(IsTruncated(whole.substr(0, cues - 1)));
    EXPECT_TRUE(IsTruncated(whole.substr(0, whole.size() / 2)));
  }
}

TEST(MatroskaSizeTest, TheLastOfSeveralJoinedFilesCounts) {
  const std::string whole = Clip("a.mkv", "-c:v libx264");
  EXPECT_FALSE(IsTruncated(whole + whole));
  EXPECT_TRUE(IsTruncated(whole + whole.substr(0, whole.size() / 2)));
  EXPECT_FALSE(IsTruncated(whole + std::string(5000, '\xff')));
}

TEST(MatroskaSizeTest, AFileWithoutALengthIsNotTruncated) {
  const std::string live = Clip("live.mkv", "-c:v libx264 -f matroska -live 1");
  EXPECT_FALSE(IsTruncated(live.substr(0, live.size() / 2)));
  const std::string other = Clip("a.mp4", "-c:v libx264");
  EXPECT_FALSE(IsTruncated(other.substr(0, other.size() / 2)));
  EXPECT_FALSE(IsTruncated(""));
}

TEST(MatroskaSizeTest, DamagedFirstBytesAreHandled) {
  const std::string whole = Clip("a.mkv", "-c:v libx264");
  for (size_t count = 0; count < 64; ++count) {
    IsTruncated(whole.substr(0, count));
    std::string changed = whole;
    changed[count] = '\xff';
    IsTruncated(changed);
    changed[count] = '\x01';
    IsTruncated(changed);
  }
}

}  // namespace
}  // namespace slimreel
