#include "base/mapped_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "base/test_files.h"

namespace slimreel {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(MappedFileTest, HasTheBytesOfTheFileAndHintsDoNotChangeThem) {
  const std::string path = TestFolder("mapped") + "/file";
  std::string bytes(3 * static_cast<size_t>(sysconf(_SC_PAGESIZE)) + 17, '\0');
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i * 31 + i / 251);
  WriteTestFile(path, bytes);
  const auto file = MappedFile::Open(path);
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_EQ((*file)->path(), path);
  EXPECT_TRUE((*file)->bytes() == bytes);
  (*file)->Sequential();
  (*file)->WillNeed(10, bytes.size());
  (*file)->DontNeed(1, bytes.size() - 2);
  (*file)->Random();
  EXPECT_TRUE((*file)->bytes() == bytes);
}

TEST(MappedFileTest, HintsBeyondTheEndAreHarmless) {
  const std::string path = TestFolder("mapped") + "/file";
  WriteTestFile(path, "ten bytes!");
  const auto file = MappedFile::Open(path);
  ASSERT_TRUE(file.ok()) << file.status();
  for (const uint64_t offset : {uint64_t{0}, uint64_t{10}, uint64_t{11}, ~uint64_t{0}}) {
    (*file)->WillNeed(offset, ~uint64_t{0});
    (*file)->DontNeed(offset, ~uint64_t{0});
  }
  EXPECT_EQ((*file)->bytes(), "ten bytes!");
}

TEST(MappedFileTest, AnEmptyFileCanBeMapped) {
  const std::string path = TestFolder("mapped") + "/empty";
  WriteTestFile(path, "");
  const auto file = MappedFile::Open(path);
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_TRUE((*file)->bytes().empty());
  (*file)->Sequential();
  (*file)->Random();
  (*file)->WillNeed(0, 1);
}

TEST(MappedFileTest, TheMappingStaysAfterTheFileIsRemoved) {
  const std::string path = TestFolder("mapped") + "/file";
  WriteTestFile(path, "still here");
  const auto file = MappedFile::Open(path);
  ASSERT_TRUE(file.ok()) << file.status();
  std::filesystem::remove(path);
  EXPECT_EQ((*file)->bytes(), "still here");
}

TEST(MappedFileTest, WhatCannotBeMappedIsNamed) {
  const std::string folder = TestFolder("mapped");
  const absl::Status absent = MappedFile::Open(folder + "/absent").status();
  EXPECT_EQ(absent.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(absent.message()), HasSubstr(folder + "/absent"));
  EXPECT_THAT(std::string(absent.message()), HasSubstr("check the path"));
  const absl::Status is_folder = MappedFile::Open(folder).status();
  EXPECT_EQ(is_folder.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(is_folder.message()), HasSubstr(folder + " is not a regular file"));
  EXPECT_THAT(std::string(is_folder.message()), HasSubstr("name a file"));
}

TEST(MappedFileTest, AFileSystemWithoutMapsIsReportedWithItsOwnRemedy) {
  const std::string path = "/sys/kernel/mm/transparent_hugepage/enabled";
  if (!std::filesystem::exists(path)) GTEST_SKIP() << "no " << path << " here";
  const absl::Status status = MappedFile::Open(path).status();
  EXPECT_THAT(std::string(status.message()), HasSubstr("cannot map " + path));
  EXPECT_THAT(std::string(status.message()), HasSubstr("use a local disk"));
  EXPECT_THAT(std::string(status.message()), Not(HasSubstr("ulimit")));
}

}  // namespace
}  // namespace slimreel
