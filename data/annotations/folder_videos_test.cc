#include "data/annotations/folder_videos.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "base/test_files.h"

namespace slimreel {
namespace {

namespace fs = std::filesystem;
using Strings = std::vector<std::string>;

// Enters a folder as a user without special rights. The user may not be able to read the path to
// the folder, so the test makes it the working folder.
class AsNobody {
 public:
  explicit AsNobody(const std::string& folder) : before_(fs::current_path()) {
    fs::current_path(folder);
    if (geteuid() == 0) changed_ = seteuid(65534) == 0;
  }
  ~AsNobody() {
    if (changed_) changed_ = seteuid(0) != 0;
    fs::current_path(before_);
  }

 private:
  const fs::path before_;
  bool changed_ = false;
};

TEST(FolderVideosTest, AnUnreadableFolderIsNamedAndTheRestIsUsed) {
  const std::string root = TestFolder("folders");
  for (const char* name : {"a/1.mp4", "b/2.mp4", "b/deep/3.mp4", "c/4.mp4"}) {
    WriteTestFile(root + "/" + name, "");
  }
  ASSERT_EQ(chmod(root.c_str(), 0755), 0);
  ASSERT_EQ(chmod((root + "/a").c_str(), 0), 0);
  ASSERT_EQ(chmod((root + "/b/deep").c_str(), 0), 0);
  {
    const AsNobody nobody(root);
    const auto found = ListFolderVideos(".");
    ASSERT_TRUE(found.ok()) << found.status();
    EXPECT_EQ(found->videos, (Strings{"b/2.mp4", "c/4.mp4"}));
    EXPECT_EQ(found->unreadable, (Strings{"./a", "./b/deep"}));
    const absl::Status closed = ListFolderVideos("a").status();
    EXPECT_TRUE(absl::IsPermissionDenied(closed)) << closed;
    EXPECT_NE(closed.message().find("list a: Permission denied"), std::string::npos) << closed;
  }
  chmod((root + "/a").c_str(), 0755);
  chmod((root + "/b/deep").c_str(), 0755);
}

TEST(FolderVideosTest, NamesAreInByteOrderAndStayBytes) {
  const std::string root = TestFolder("folders");
  for (const char* name : {"b.mp4", "a/z.avi", "caf\xe9.mp4", "B.MKV", "a.mp4", ".x.mp4",
                           "a.mp4.kpts.npy", "note.txt", ".mp4"}) {
    WriteTestFile(root + "/" + name, "");
  }
  const auto found = ListFolderVideos(root + "/");
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_EQ(found->videos, (Strings{"B.MKV", "a.mp4", "a/z.avi", "b.mp4", "caf\xe9.mp4"}));
  EXPECT_EQ(found->others, 1);
}

}  // namespace
}  // namespace slimreel
