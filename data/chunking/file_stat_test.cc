#include "data/chunking/file_stat.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <xxhash.h>

#include <string>

#include "base/test_files.h"

namespace slimreel {
namespace {

class FileStatTest : public testing::Test {
 protected:
  void SetUp() override { path_ = TestFolder("stat") + "/a.mp4"; }

  // The digest of the file with these bytes. Its times are always the same.
  uint64_t DigestWith(const std::string& bytes) const {
    WriteTestFile(path_, bytes);
    SetTime(path_);
    const auto digest = FileDigest(path_);
    EXPECT_TRUE(digest.ok()) << digest.status();
    return digest.value_or(0);
  }
  static void SetTime(const std::string& path) {
    const timespec times[2] = {{1000, 1}, {1000, 123456789}};
    ASSERT_EQ(utimensat(AT_FDCWD, path.c_str(), times, 0), 0);
  }
  static std::string Changed(std::string bytes, size_t at) {
    bytes[at] ^= 1;
    return bytes;
  }

  std::string path_;
};

TEST_F(FileStatTest, AStatHasSizeAndTimes) {
  WriteTestFile(path_, "12345");
  SetTime(path_);
  const FileStat stat = StatFile(path_);
  EXPECT_TRUE(stat.exists());
  EXPECT_EQ(stat.size_bytes, 5);
  EXPECT_EQ(stat.mtime_ns, 1000123456789);
  // Other contents with the same size and mtime: only the ctime may differ.
  WriteTestFile(path_, "54321");
  SetTime(path_);
  const FileStat other = StatFile(path_);
  EXPECT_EQ(other.size_bytes, stat.size_bytes);
  EXPECT_EQ(other.mtime_ns, stat.mtime_ns);
  EXPECT_GE(other.ctime_ns, stat.ctime_ns);
}

TEST_F(FileStatTest, AMissingFileDoesNotExistAndHasNoDigest) {
  EXPECT_FALSE(StatFile(path_).exists());
  EXPECT_TRUE(absl::IsNotFound(FileDigest(path_).status())) << FileDigest(path_).status();
}

TEST_F(FileStatTest, AFolderHasNoDigest) { EXPECT_EQ(*FileDigest(TestFolder("folder")), 0u); }

TEST_F(FileStatTest, TheDigestOfAFileUpTo128KiBCoversEveryByte) {
  for (const size_t size : {1, 5, 65536, 65537, 100000, 131072}) {
    SCOPED_TRACE(size);
    const std::string bytes(size, 'x');
    const uint64_t digest = DigestWith(bytes);
    EXPECT_EQ(digest, XXH3_64bits_withSeed(bytes.data(), size, size));
    for (const size_t at : {size_t{0}, size / 3, size / 2, size * 2 / 3, size - 1}) {
      EXPECT_NE(DigestWith(Changed(bytes, at)), digest) << at;
    }
  }
}

TEST_F(FileStatTest, TheDigestOfALargerFileCoversHeadTailAndSize) {
  const size_t size = 400000, end = 65536;
  const std::string bytes(size, 'x');
  const uint64_t digest = DigestWith(bytes);
  const std::string ends = bytes.substr(0, end) + bytes.substr(size - end);
  EXPECT_EQ(digest, XXH3_64bits_withSeed(ends.data(), ends.size(), size));
  for (const size_t at : {size_t{0}, end - 1, size - end, size - 1}) {
    EXPECT_NE(DigestWith(Changed(bytes, at)), digest) << at;
  }
  EXPECT_NE(DigestWith(bytes + "x"), digest);
  EXPECT_EQ(DigestWith(Changed(bytes, end)), digest) << "the middle is not read";
}

}  // namespace
}  // namespace slimreel
