// Files and folders for tests.
#ifndef BASE_TEST_FILES_H_
#define BASE_TEST_FILES_H_

#include <memory>
#include <string>

#include "absl/strings/string_view.h"

namespace slimreel {

// Makes an empty folder in gtest's temporary folder that only the running test uses. A later call
// with the same name empties it. It is not removed at the end.
std::string TestFolder(absl::string_view name);

// Read and write whole files. The test fails if that is not possible.
std::string ReadTestFile(const std::string& path);
void WriteTestFile(const std::string& path, absl::string_view bytes);  // makes parent folders

// A disk (tmpfs) of a given size that can be filled up. The destructor unmounts it.
class SmallDisk {
 public:
  // Returns null if this user may not mount one; the test should then be skipped.
  static std::unique_ptr<SmallDisk> Mount(const std::string& folder, int64_t bytes);
  ~SmallDisk();
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;

  // Fills the disk until `free_bytes` (whole pages) are free. Free undoes it.
  void FillUpTo(int64_t free_bytes) const;
  void Free() const;

 private:
  explicit SmallDisk(std::string folder) : folder_(std::move(folder)) {}
  const std::string folder_;
};

}  // namespace slimreel

#endif  // BASE_TEST_FILES_H_
