#include "base/test_files.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "absl/strings/str_cat.h"

namespace slimreel {
namespace {

namespace fs = std::filesystem;

constexpr char kBallast[] = "/.ballast";

}  // namespace

std::string TestFolder(absl::string_view name) {
  fs::path folder = fs::path(testing::TempDir()) / "slimreel_test";
  if (const auto* info = testing::UnitTest::GetInstance()->current_test_info(); info != nullptr) {
    folder /= absl::StrCat(info->test_suite_name(), ".", info->name());
  }
  folder /= std::string(name);
  fs::remove_all(folder);
  fs::create_directories(folder);
  return folder.string();
}

std::string ReadTestFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file.good()) << path;
  return std::string(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
}

void WriteTestFile(const std::string& path, absl::string_view bytes) {
  fs::create_directories(fs::path(path).parent_path());
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  file.close();
  ASSERT_TRUE(file.good()) << path;
}

std::unique_ptr<SmallDisk> SmallDisk::Mount(const std::string& folder, int64_t bytes) {
  fs::create_directories(folder);
  const std::string size = absl::StrCat("size=", bytes);
  if (mount("tmpfs", folder.c_str(), "tmpfs", 0, size.c_str()) != 0) return nullptr;
  return std::unique_ptr<SmallDisk>(new SmallDisk(folder));
}

SmallDisk::~SmallDisk() { umount2(folder_.c_str(), MNT_DETACH); }

void SmallDisk::FillUpTo(int64_t free_bytes) const {
  Free();
  const auto available = static_cast<int64_t>(fs::space(folder_).available);
  if (available <= free_bytes) return;
  const int file = open((folder_ + kBallast).c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  ASSERT_GE(file, 0);
  EXPECT_EQ(posix_fallocate(file, 0, available - free_bytes), 0);
  close(file);
}

void SmallDisk::Free() const { fs::remove(folder_ + kBallast); }

}  // namespace slimreel
