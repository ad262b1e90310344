// Finds the files that the words of a list name: beside the list, else in the working folder.
//
// Threading: an object belongs to one thread.
#ifndef DATA_ANNOTATIONS_LISTED_FILES_H_
#define DATA_ANNOTATIONS_LISTED_FILES_H_

#include <deque>
#include <string>

#include "absl/strings/string_view.h"

namespace slimreel {

class ListedFiles {
 public:
  explicit ListedFiles(const std::string& list);
  ~ListedFiles();
  ListedFiles(const ListedFiles&) = delete;
  ListedFiles& operator=(const ListedFiles&) = delete;

  // Whether a file (not a folder) of that name exists.
  bool Exists(absl::string_view listed) const;

  // The path to open. If there is no such file, the path beside the list.
  std::string Resolve(absl::string_view listed) const;

  // The path beside the list, whether it exists or not. An absolute path is returned unchanged.
  std::string Beside(absl::string_view listed) const;

 private:
  bool IsThere(int folder, absl::string_view name, bool folders_too) const;

  std::string prefix_;  // "lists/"; empty: the list is in the working folder
  int folder_ = -1;     // descriptor of the list's folder, so that its path is resolved once
  mutable std::string buffer_;
};

// `path` without "//", "/./" and "x/../", as std::filesystem's lexically_normal gives it. The
// result views `path` if that is normal already, else `*storage`.
absl::string_view NormalPath(absl::string_view path, std::string* storage);
// The same for many paths: each string that is needed is added to `*storage`.
absl::string_view NormalIn(absl::string_view path, std::deque<std::string>* storage);

}  // namespace slimreel

#endif  // DATA_ANNOTATIONS_LISTED_FILES_H_
