#include "base/test_files.h"

#include <gtest/gtest-spi.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <filesystem>

namespace slimreel {
namespace {

namespace fs = std::filesystem;

// Reads with the C library, which the tested functions do not use.
std::string BytesOf(const std::string& path) {
  std::FILE* file = std::fopen(path.c_str(), "rb");
  if (file == nullptr) return "cannot be opened";
  std::string bytes(64, '\0');
  bytes.resize(std::fread(bytes.data(), 1, bytes.size(), file));
  std::fclose(file);
  return bytes;
}

TEST(TestFilesTest, AFolderIsEmptyAndBelongsToTheTest) {
  const std::string folder = TestFolder("a");
  EXPECT_NE(folder.find("TestFilesTest.AFolderIsEmptyAndBelongsToTheTest"), std::string::npos)
      << folder;
  EXPECT_EQ(folder.find(testing::TempDir()), 0u) << folder;
  WriteTestFile(folder + "/left/behind", "x");
  EXPECT_NE(TestFolder("b"), folder);
  EXPECT_TRUE(fs::exists(folder + "/left/behind"));
  EXPECT_EQ(TestFolder("a"), folder);
  EXPECT_TRUE(fs::is_empty(folder));
}

TEST(TestFilesTest, AllBytesAreWrittenAndRead) {
  const std::string path = TestFolder("files") + "/made/on/the/way";
  const std::string bytes("zero \0, line end \n, \r\n and \xff", 27);
  WriteTestFile(path, "a longer content that is replaced as a whole");
  WriteTestFile(path, bytes);
  EXPECT_EQ(BytesOf(path), bytes);
  EXPECT_EQ(ReadTestFile(path), bytes);
}

TEST(TestFilesTest, AFileThatCannotBeReadFailsTheTest) {
  static std::string absent;
  absent = TestFolder("files") + "/absent";
  EXPECT_NONFATAL_FAILURE(ReadTestFile(absent), "absent");
}

TEST(TestFilesTest, AFileThatCannotBeWrittenFailsTheTest) {
  EXPECT_FATAL_FAILURE(WriteTestFile("/dev/full", std::string(100000, 'x')), "/dev/full");
}

TEST(SmallDiskTest, HasTheFreeSpaceThatWasAskedForAndGoesWithTheObject) {
  const std::string folder = TestFolder("disk");
  auto disk = SmallDisk::Mount(folder, 1 << 20);
  if (disk == nullptr) GTEST_SKIP() << "a small tmpfs cannot be mounted here";
  EXPECT_EQ(fs::space(folder).capacity, 1u << 20);
  disk->FillUpTo(64 << 10);
  EXPECT_EQ(fs::space(folder).available, 64u << 10);
  disk->FillUpTo(128 << 10);
  EXPECT_EQ(fs::space(folder).available, 128u << 10);
  disk->Free();
  EXPECT_EQ(fs::space(folder).available, 1u << 20);
  WriteTestFile(folder + "/on_the_disk", "x");
  disk.reset();
  EXPECT_TRUE(fs::is_empty(folder));
}

}  // namespace
}  // namespace slimreel
