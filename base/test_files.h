// For tests: files and folders of the test's own.
#ifndef BASE_TEST_FILES_H_
#define BASE_TEST_FILES_H_

#include <memory>
#include <string>

#include "absl/strings/string_view.h"

namespace slimreel {

// An empty folder for the running test alone: what another call with this name
// put there is removed. Nobody removes it at the end; it lies in gtest's temporary folder.
std::string TestFolder(absl::string_view name);

// All bytes; a file that cannot be read, or written whole, fails the test.
std::string ReadTestFile(const std::string& path);
void WriteTestFile(const std::string& path, absl::string_view bytes);  // makes parent folders

// A disk of a given size (tmpfs) that can be filled up; gone with the object.
class SmallDisk {
 public:
  // Null where the system lets nobody, or not this user, mount one: skip the test.
  static std::unique_ptr<SmallDisk> Mount(const std::string& folder, int64_t bytes);
  ~SmallDisk();
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;

  // Leaves room for `free_bytes` (whole pages) and no more; Free gives it back.
  void FillUpTo(int64_t free_bytes) const;
  void Free() const;

 private:
  explicit SmallDisk(std::string folder) : folder_(std::move(folder)) {}
  const std::string folder_;
};

}  // namespace slimreel

#endif  // BASE_TEST_FILES_H_
