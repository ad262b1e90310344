#include "base/random_access_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "base/test_files.h"

namespace slimreel {
namespace {

TEST(RandomAccessFileTest, ReadsAtAnyOffsetUpToTheEnd) {
  const std::string path = TestFolder("random_access") + "/file";
  WriteTestFile(path, "0123456789");
  absl::StatusOr<RandomAccessFile> opened = RandomAccessFile::Open(path);
  ASSERT_TRUE(opened.ok()) << opened.status();
  const RandomAccessFile file = *std::move(opened);
  EXPECT_TRUE(file.is_regular());
  EXPECT_EQ(file.size_bytes(), 10);
  std::string bytes(4, ' ');
  EXPECT_EQ(*file.ReadAt(3, bytes.data(), 4), 4u);
  EXPECT_EQ(bytes, "3456");
  EXPECT_EQ(*file.ReadAt(8, bytes.data(), 4), 2u);
  EXPECT_EQ(bytes, "8956");
  EXPECT_EQ(*file.ReadAt(20, bytes.data(), 4), 0u);
}

TEST(RandomAccessFileTest, AMissingFileAndATooLongNameAreNotFound) {
  const std::string folder = TestFolder("random_access");
  EXPECT_TRUE(absl::IsNotFound(RandomAccessFile::Open(folder + "/none").status()));
  const std::string long_name = folder + "/" + std::string(300, 'x');
  EXPECT_TRUE(absl::IsNotFound(RandomAccessFile::Open(long_name).status()));
}

TEST(RandomAccessFileTest, APipeIsOpenedWithoutWaitingAndAFolderCannotBeRead) {
  const std::string folder = TestFolder("random_access");
  const std::string pipe = folder + "/pipe";
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_FALSE(RandomAccessFile::Open(pipe)->is_regular());
  char byte;
  EXPECT_FALSE(RandomAccessFile::Open(folder)->ReadAt(0, &byte, 1).ok());
}

}  // namespace
}  // namespace slimreel
