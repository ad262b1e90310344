// What the words of a list name: files beside the list, else where the user stands. An object
// belongs to one thread.
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

  // Whether a file (no folder) of that name is there.
  bool Exists(absl::string_view listed) const;

  // The path to open; the one beside the list where there is none of them.
  std::string Resolve(absl::string_view listed) const;

  // The path beside the list, whether it is there or not; an absolute one stays itself.
  std::string Beside(absl::string_view listed) const;

 private:
  bool IsThere(int folder, absl::string_view name, bool folders_too) const;

  std::string prefix_;  // "lists/"; empty: the list lies where the user stands
  int folder_ = -1;     // of the list, so that its path is looked up once
  mutable std::string buffer_;
};

// `path` without "//", "/./" and "x/../", as std::filesystem has it. The view is of `path`
// itself where that is so already, else of `*storage`.
absl::string_view NormalPath(absl::string_view path, std::string* storage);
// Likewise, for many paths.
absl::string_view NormalIn(absl::string_view path, std::deque<std::string>* storage);

}  // namespace slimreel

#endif  // DATA_ANNOTATIONS_LISTED_FILES_H_
